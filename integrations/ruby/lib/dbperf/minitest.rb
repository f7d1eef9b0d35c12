# Minitest: the body of a test is its method; setup and teardown are no part of it. Marks: `dbperf max_statements: 5` before a test,
# or in it.
require 'minitest'
require 'dbperf'

module Dbperf
  module MinitestCase
    def self.prepended(base) = base.extend(ClassMethods)

    module ClassMethods
      # For the test that is defined next.
      def dbperf(**limits) = @dbperf_next = limits

      def method_added(name)
        super
        return unless @dbperf_next && name.start_with?('test_')

        (@dbperf_limits ||= {})[name.to_s] = @dbperf_next
        @dbperf_next = nil
      end

      def dbperf_limits = @dbperf_limits || {}
    end

    def dbperf(**limits) = (@dbperf_own = limits)

    def before_setup
      skip Dbperf.skip if Dbperf.skip
      Dbperf.before_set_up
      super
    end

    def after_setup
      super
      Dbperf.begin_body("#{self.class}##{name}")
    end

    def before_teardown
      text = failures.empty? ? Dbperf.end_body(@dbperf_own || self.class.dbperf_limits[name] || {}) : Observer.finish && nil
      begin
        raise Judge.located(Minitest::Assertion, text) if text
      ensure
        super
      end
    end
  end
end

Minitest::Test.prepend(Dbperf::MinitestCase)
