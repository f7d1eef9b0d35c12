# RSpec: the body of an example is its block; hooks are no part of it. Marks are metadata: `it '...', dbperf: { max_statements: 5 }`.
require 'rspec/core'
require 'rspec/expectations'
require 'dbperf'

module Dbperf
  module Example
    def run(*arguments)
      return super unless Dbperf.lease || Dbperf.skip

      metadata[:skip] ||= Dbperf.skip if Dbperf.skip
      Dbperf.before_set_up
      body = @example_block
      limits = metadata[:dbperf] || {}
      name = location_rerun_argument.delete_prefix('./') + ' ' + full_description
      @example_block = body && proc do |example|
        Dbperf.begin_body(name)
        begin
          instance_exec(example, &body)
        rescue Exception # the failure stays what it is
          Observer.finish
          raise
        end
        text = Dbperf.end_body(limits)
        raise Judge.located(RSpec::Expectations::ExpectationNotMetError, text) if text
      end
      super
    ensure
      @example_block = body if body
    end
  end
end

RSpec::Core::Example.prepend(Dbperf::Example)
