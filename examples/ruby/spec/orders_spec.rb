require 'dbperf/rspec'
require_relative '../lib/orders'

Dbperf.use 'shop'

RSpec.describe Orders do
  it 'lists orders, newest first' do
    expect(Orders.list.first).to eq [12, 'customer 12']
  end

  it 'places an order', dbperf: { max_statements: 3 } do
    expect(Orders.place(1, 'tea' => 300)).to eq 13
  end
end
