# A clean database for every test, and a red test at the line of its N+1.
require 'dbperf/observer'
require 'dbperf/lease'
require 'dbperf/driver'
require 'dbperf/judge'

module Dbperf
  class Missing < StandardError; end
  class Failure < StandardError; end

  class << self
    attr_reader :lease, :skip

    # Every test gets a copy of this database. `missing`, a server without dbperf: :error, :skip or :ignore.
    def use(template, home: 'postgres', url: nil, missing: :error)
      raise ArgumentError, "missing is #{missing.inspect}, not :error, :skip or :ignore" unless %i[error skip ignore].include?(missing)

      lease = Lease.new(template, home, url)
      begin
        lease.check.close
      rescue Missing => e
        if missing == :error
          warn "dbperf: #{e.message}"
          exit!(3) # not one test runs, and runners have nothing to add
        end
        @skip = "dbperf: #{e.message}" if missing == :skip
        return
      end
      @lease = lease
      at_exit { lease.release }
      Driver.install
      hook_factories_and_requests
    end

    # What prepares a test is neither judged nor counted.
    def pause(&block) = Observer.within(nil, &block)

    # Statements in it are of the unit of work `name`: a request, a job.
    def unit(name, &block) = Observer.test && !Observer.paused? ? Observer.within(name, &block) : yield

    # The first thing of a test: what the one before did is undone.
    def before_set_up
      Observer.finish
      @lease&.reset if @ran
      @ran = true
    end

    def begin_body(name) = (Observer.start(name) if @lease)

    # The body is over: its failure, or nil. What an allowance does not need is told.
    def end_body(limits = {})
      test = Observer.finish or return
      verdict = Judge.verdict(test.statements.empty? ? [] : @lease.findings(test.units), test.statements, **limits)
      verdict.unneeded.each { |what| warn "dbperf: #{what} of #{test.name} is not needed any more" }
      verdict.text
    end

    # A block that is a unit of work of its own, and judged by itself.
    def check(name, **limits, &block)
      test = Observer.test or return yield
      before = test.statements.transform_values(&:count)
      result = unit(name, &block)
      executed = test.statements.filter_map { |key, entry| [key, entry.with(entry.count - before.fetch(key, 0))] if entry.count > before.fetch(key, 0) }.to_h
      name = Observer.shortened(name)
      test.units.delete(name) # what the block is told, the test is not told again
      verdict = Judge.verdict(executed.empty? ? [] : @lease.findings([name]), executed, **limits)
      raise Judge.located(Failure, verdict.text) unless verdict.text.nil?

      result
    end

    private

    def hook_factories_and_requests
      if defined?(FactoryBot::FactoryRunner)
        FactoryBot::FactoryRunner.prepend(Module.new { def run(...) = Dbperf.pause { super } })
      end
      return unless defined?(ActiveSupport::Notifications)

      ActiveSupport::Notifications.subscribe('process_action.action_controller', Requests.new)
    end
  end

  # Rails tells of its requests; others use the middleware.
  class Requests
    def start(_, _, payload) = Observer.push("#{payload[:method]} #{payload[:path].to_s[/\A[^?]*/]}")
    def finish(*) = Observer.pop
  end

  class Middleware
    def initialize(app) = @app = app
    def call(env) = Dbperf.unit("#{env['REQUEST_METHOD']} #{env['PATH_INFO']}") { @app.call(env) }
  end
end
