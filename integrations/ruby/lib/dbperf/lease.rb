# The leased copy of the template: one a process. Two connections of its own: `home` holds the lease, `inside` resets the copy
# and asks what was found.
module Dbperf
  class Lease
    attr_accessor :touched
    attr_reader :name, :template

    def initialize(template, home, url)
      @template, @home_name, @url = template, home, url
      @former = []
    end

    def wanted?(database) = database == @template || @former.include?(database)

    def acquire
      return @name if @pid == Process.pid && @home

      # Of a process that forked, the connections are the parent's.
      @pid = Process.pid
      @former = []
      @home = check
      begin
        name = @home.exec_params('SELECT dbperf.acquire_database($1)', [@template]).getvalue(0, 0)
      rescue PG::Error => e
        @home = nil
        raise Missing, "no copy of #{@template}: #{e.message.strip}"
      end
      take(name)
    end

    # A connection to a server that can do what is needed.
    def check
      begin
        home = open(@home_name)
      rescue PG::Error => e
        raise Missing, "cannot connect to database #{@home_name}: #{e.message.strip}"
      end
      databases, enabled, version, complete = home.exec(<<~SQL).values.first
        SELECT current_setting('dbperf.max_test_databases', true), current_setting('dbperf.enabled', true),
               (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'dbperf'),
               pg_catalog.to_regprocedure('dbperf.unit_findings(text, timestamp with time zone)') IS NOT NULL
      SQL
      problem =
        if databases.nil? then "the server has not loaded dbperf (hint: shared_preload_libraries = 'dbperf', then restart)"
        elsif version.nil? then "database #{@home_name} has no extension dbperf (hint: CREATE EXTENSION dbperf)"
        elsif complete != 't' then "dbperf #{version} in database #{@home_name} is too old (hint: ALTER EXTENSION dbperf UPDATE)"
        elsif databases == '0' then 'test databases are switched off (hint: dbperf.max_test_databases is 0)'
        elsif enabled != 'on' then 'the server observes nothing (hint: dbperf.enabled is off)'
        end
      return home unless problem

      home.close
      raise Missing, problem
    end

    # Findings of these units since the copy was clean, worst first.
    def findings(units)
      return [] if units.empty? || @inside.nil?

      names = PG::TextEncoder::Array.new.encode(units)
      @inside.exec_params(<<~SQL, [names, @mark]).map { |row| row.transform_keys(&:to_sym) }
        SELECT u AS unit, f.kind, f.confidence, f.calls, f.distinct_keys AS keys, f.query, f.key_column, f.parent_query,
               f.parent_relation, f.parent_column, f.call_site, f.suggestion
        FROM pg_catalog.unnest($1::text[]) u, dbperf.unit_findings(u, $2::timestamptz) f ORDER BY f.calls DESC
      SQL
    end

    # Makes the copy clean, unless nobody was in it.
    def reset
      return unless @touched && @pid == Process.pid && @inside

      @touched = false
      Driver.settle
      name, @mark = @inside.exec('SELECT dbperf.reset_database(), clock_timestamp()::text').values.first
      return if name == @name

      Driver.close_all # more than rows was changed
      take(name)
    end

    def release
      return unless @pid == Process.pid

      [@inside, @home].compact.each { |connection| connection.close unless connection.finished? }
      @inside = @home = nil
    end

    private

    def take(name)
      @inside&.close
      @former |= [name]
      @inside = open(name)
      @mark = @inside.exec('SELECT clock_timestamp()::text').getvalue(0, 0)
      @name = name
    end

    def open(name)
      Thread.current[:dbperf_own] = true
      options = PG::Connection.conninfo_parse(@url || '').filter_map { |option| [option[:keyword].to_sym, option[:val]] if option[:val] }.to_h
      PG.connect(**options, dbname: name, options: '-c dbperf.n_plus_one=off', application_name: 'dbperf tests').tap { |connection| connection.set_notice_processor { |_| } }
    ensure
      Thread.current[:dbperf_own] = false
    end
  end
end
