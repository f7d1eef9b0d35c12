# Orders of a small shop, with ActiveRecord.
require 'active_record'

ActiveRecord::Base.establish_connection(adapter: 'postgresql', database: ENV.fetch('SHOP', 'shop'))

class Customer < ActiveRecord::Base
  self.table_name = 'customer'
  has_many :orders
end

class Order < ActiveRecord::Base
  self.table_name = 'order'
  belongs_to :customer
  has_many :items
end

class Item < ActiveRecord::Base
  self.table_name = 'item'
  belongs_to :order
end

module Orders
  # Number and customer's name of each order, newest first.
  def self.list
    Order.includes(:customer).order(placed_on: :desc).map do |order|
      [order.id, order.customer.name]
    end
  end

  def self.place(customer, products)
    order = Order.create!(customer_id: customer, placed_on: Date.today)
    Item.insert_all!(products.map { |product, cents| { order_id: order.id, product: product, cents: cents } })
    order.id
  end
end
