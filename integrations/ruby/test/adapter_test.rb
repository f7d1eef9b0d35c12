# RSpec and Minitest as users start them, on pg, ActiveRecord and Sequel. Needs a server with dbperf (the PG* variables).
require 'minitest/autorun'
require 'open3'
require 'tmpdir'

SHOP = <<~'RUBY'
  require 'pg'
  require 'active_record'
  require 'sequel'

  class Customer < ActiveRecord::Base
    self.table_name = 'customer'
    has_many :purchases
  end

  class Purchase < ActiveRecord::Base
    self.table_name = 'purchase'
    belongs_to :customer, optional: true
  end

  def rows(sql, *values)
    $connection = PG.connect(dbname: 'adapter_ruby') if $connection.nil? || $connection.finished?
    $connection.exec_params(sql, values).values
  end

  def names
    rows('SELECT customer_id FROM purchase ORDER BY id').flat_map do |(customer)|
      rows('SELECT name FROM customer WHERE id = $1', customer)
    end
  end

  def names_at_once = rows('SELECT name FROM customer JOIN purchase ON customer_id = customer.id')

  ActiveRecord::Base.establish_connection(adapter: 'postgresql', database: 'adapter_ruby')
  def touch_each
    Purchase.all.map { |purchase|
      purchase.customer.name
    }
  end
  def each_list = Customer.all.map { |customer| customer.purchases.to_a }

  def sequel
    $sequel ||= Sequel.connect('postgres:///adapter_ruby').tap do |db|
      Object.const_set(:Buyer, Class.new(Sequel::Model(db[:customer])))
      Object.const_set(:Bought, Class.new(Sequel::Model(db[:purchase])))
      Bought.many_to_one :buyer, class: :Buyer, key: :customer_id
    end
  end
RUBY

MINITEST = <<~'RUBY'
  require 'minitest/autorun'
  require 'dbperf/minitest'
  require_relative 'shop'
  Dbperf.use 'adapter_ruby'

  class ShopTest < Minitest::Test
    i_suck_and_my_tests_are_order_dependent!

    def setup = names
    def teardown = names

    def test_a_green
      assert_equal 8, names_at_once.size
      rows("INSERT INTO customer (name) VALUES ('new')")
    end
    def test_b_clean = assert_equal([['8']], rows('SELECT count(*) FROM customer'))
    def test_c_red = names
    def test_d_fails_itself
      rows('DELETE FROM purchase')
      flunk 'its own failure'
    end
    def test_e_clean = assert_equal([['8']], rows('SELECT count(*) FROM purchase'))
    def test_f_red_record = touch_each
    def test_g_red_lists = each_list
    def test_h_green_record = Purchase.includes(:customer).map { |purchase| purchase.customer.name }
    def test_i_red_sequel
      sequel
      Bought.all.each { |bought| bought.buyer.name }
    end
    dbperf allow_n_plus_one: 'eight at most'
    def test_j_allowed = names
    def test_k_allowed_part
      dbperf allow_n_plus_one: ['customer.id']
      names
    end
    dbperf allow_n_plus_one: 'not any more'
    def test_l_needless = names_at_once
    def test_m_red_many
      dbperf max_statements: 2
      3.times { names_at_once }
    end
    def test_n_paused = Dbperf.pause { names }
    def test_o_block
      error = assert_raises(Dbperf::Failure) { Dbperf.check('GET /it\'s \\ */ #1') { names } }
      assert_match(/shop.rb:22: N\+1: 8 executions/, error.message)
      assert_match(/in         GET \/it's \\ \*\/ #1/, error.message)
    end
    def test_p_red_after_rollback
      rows('BEGIN')
      rows('SAVEPOINT a')
      assert_raises(PG::Error) { rows('SELECT 1 / 0') }
      rows('ROLLBACK TO SAVEPOINT a')
      rows('COMMIT')
      assert_raises(RuntimeError) { $connection.transaction { rows('SELECT 1'); raise 'back' } }
      names
    end
    def test_q_red_in_a_transaction_that_is_rolled_back
      Purchase.transaction do
        touch_each
        raise ActiveRecord::Rollback
      end
    end
    def test_r_red_commented
      rows("SELECT customer_id FROM purchase /*controller='orders'*/").each do |(customer)|
        rows("SELECT note FROM purchase WHERE id = $1 /*action='it%27s'*/;", customer)
      end
    end
    def test_s_schema = rows('ALTER TABLE customer ADD more int')
    def test_t_after_schema
      assert_equal [[nil]], rows("SELECT max(attname) FROM pg_attribute WHERE attname = 'more'")
      assert_equal 8, Customer.count
    end
    def test_u_open_transaction
      rows('BEGIN')
      rows('DELETE FROM purchase')
    end
    def test_v_clean = assert_equal([['8']], rows('SELECT count(*) FROM purchase'))
    def test_w_prepared_elsewhere = Customer.find(1) # the same statement as that of the loop
    def test_x_red_prepared = touch_each
    def test_y_request
      Dbperf::Middleware.new(->(_) { names }).call('REQUEST_METHOD' => 'GET', 'PATH_INFO' => '/red')
    end
    def test_z_other_database
      other = PG.connect(dbname: 'postgres')
      assert_equal [['', 'postgres']], other.exec("SELECT current_setting('dbperf.scope'), current_database()").values
      other.close
    end
  end
RUBY

RSPEC = <<~'RUBY'
  require 'dbperf/rspec'
  require_relative 'shop'
  Dbperf.use 'adapter_ruby'

  RSpec.describe 'shop' do
    before { names }
    after { names }
    let(:customers) { Customer.count }

    it('is green') do
      rows("INSERT INTO customer (name) VALUES ('new')")
      expect(customers).to eq 9
    end
    it('is clean') { expect(customers).to eq 8 }
    it('is red') { names }
    context 'inside' do
      it('is red') { touch_each }
    end
    it('is allowed', dbperf: { allow_n_plus_one: 'eight at most' }) { names }
    it('is red: many', dbperf: { max_statements: 1 }) { 2.times { names_at_once } }
  end
RUBY

class AdapterTest < Minitest::Test
  def psql(database, script) = assert(system('psql', '-qXv', 'ON_ERROR_STOP=1', '-d', database, '-c', script))

  def setup
    return if defined?(@@ready)

    @@ready = true
    ['SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS dbperf', 'DROP DATABASE IF EXISTS adapter_ruby', 'CREATE DATABASE adapter_ruby'].each { |sql| psql('postgres', sql) }
    psql('adapter_ruby', <<~SQL)
      CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
      CREATE TABLE purchase (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text);
      INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 8) i;
      INSERT INTO purchase (customer_id) SELECT i FROM generate_series(1, 8) i;
    SQL
  end

  def outcome(name, text, *command)
    Dir.mktmpdir do |folder|
      folder = File.realpath(folder)
      File.write("#{folder}/shop.rb", SHOP)
      File.write("#{folder}/#{name}", text)
      Open3.capture2e({ 'RUBYLIB' => File.expand_path('../lib', __dir__) }, *command, name, chdir: folder)
    end
  end

  def test_minitest
    output, status = outcome('shop_test.rb', MINITEST, 'ruby')
    refute status.success?
    red = output.scan(/(?:Failure|Error):\nShopTest#(test_\w+)/).flatten.sort
    assert_equal %w[test_c_red test_d_fails_itself test_f_red_record test_g_red_lists test_i_red_sequel test_m_red_many test_p_red_after_rollback
                    test_q_red_in_a_transaction_that_is_rolled_back test_r_red_commented test_x_red_prepared test_y_request], red, output
    assert_match(/test_c_red \[\S*shop.rb:22\]:\nshop.rb:22: N\+1: 8 executions of one statement, 8 different keys/, output)
    assert_match(/test_f_red_record \[\S*shop.rb:31\]:\nshop.rb:31: N\+1: 8 executions/, output)
    assert_match(/test_x_red_prepared \[\S*shop.rb:31\]/, output)
    assert_match(/instead    Purchase.includes\(:customer\)/, output)
    assert_match(/instead    Customer.includes\(:purchases\)/, output)
    assert_match(/instead    Bought.eager\(:buyer\)/, output)
    assert_match(/shop_test.rb:65: N\+1/, output)
    assert_match(/in         GET \/red/, output)
    assert_match(/allow_n_plus_one of ShopTest#test_l_needless is not needed any more/, output)
    assert_match(/3 statements, at most 2 are allowed/, output)
  end

  def test_rspec
    output, status = outcome('shop_spec.rb', RSPEC, 'rspec')
    refute status.success?
    assert_match(/6 examples, 3 failures/, output)
    assert_match(/1\) shop is red\n     Failure\/Error: rows\('SELECT name FROM customer WHERE id = \$1', customer\)\n\s*shop.rb:22: N\+1: 8 executions/, output)
    assert_match(/shop.rb:31: N\+1: 8 executions/, output)
    assert_match(/in         shop_spec.rb:\d+ shop inside is red/, output)
    assert_match(/2 statements, at most 1 are allowed/, output)
  end

  def test_four_processes
    runs = Array.new(4) { Thread.new { outcome('shop_spec.rb', RSPEC, 'rspec') } }.map(&:value)
    runs.each { |output, _| assert_match(/6 examples, 3 failures/, output) }
  end

  def test_wrong_server
    output, status = outcome('shop_spec.rb', RSPEC.sub("use 'adapter_ruby'", "use 'adapter_ruby', home: 'template1'"), 'rspec')
    refute status.success?
    assert_equal 1, output.scan('dbperf: database template1 has no extension dbperf').size, output
    output, status = outcome('shop_spec.rb', RSPEC.sub("use 'adapter_ruby'", "use 'adapter_ruby', home: 'template1', missing: :skip"), 'rspec')
    assert status.success?, output
    assert_match(/6 examples, 0 failures, 6 pending/, output)
  end
end
