# Ruby: minitest and pg. With Rails, setup and teardown stand in test_helper.rb's ActiveSupport::TestCase and the new
# name goes to ActiveRecord::Base.establish_connection; use_transactional_tests is false then.
require 'minitest/autorun'
require 'pg'

module CleanDatabase
  HOME = PG.connect(dbname: 'postgres') # the lease lasts as long as this connection

  def self.db
    @db ||= PG.connect(dbname: HOME.exec_params('SELECT dbperf.acquire_database($1)', [ENV.fetch('TEMPLATE', 'app')]).getvalue(0, 0))
  end

  def self.reset
    clean = db.exec('SELECT dbperf.reset_database()').getvalue(0, 0)
    return if clean == db.db
    db.close # more than rows was changed
    @db = PG.connect(dbname: clean)
  end
end

class ItemTest < Minitest::Test
  def db = CleanDatabase.db
  def teardown = CleanDatabase.reset

  3.times do |round|
    define_method("test_rows_#{round}") do
      assert_equal '4', db.exec_params('INSERT INTO item (name) VALUES ($1) RETURNING id', ['new']).getvalue(0, 0)
      assert_equal '4', db.exec('SELECT count(*) FROM item').getvalue(0, 0)
    end
  end

  2.times do |round|
    define_method("test_schema_#{round}") do
      db.exec('CREATE TABLE more (a int)')
      assert_equal '3', db.exec('SELECT count(*) FROM item').getvalue(0, 0)
    end
  end
end
