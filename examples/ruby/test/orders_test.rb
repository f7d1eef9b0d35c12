require 'minitest/autorun'
require 'dbperf/minitest'
require_relative '../lib/orders'

Dbperf.use 'shop'

class OrdersTest < Minitest::Test
  def test_list
    assert_equal [12, 'customer 12'], Orders.list.first
  end

  dbperf max_statements: 3
  def test_place
    assert_equal 13, Orders.place(1, 'tea' => 300, 'cup' => 900)
  end

  # The database is clean: numbers begin where they began.
  def test_place_again
    assert_equal 13, Orders.place(2, 'tea' => 300)
    assert_equal 13, Orders.list.size
  end
end
