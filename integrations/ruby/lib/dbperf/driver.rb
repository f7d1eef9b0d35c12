# pg, and so ActiveRecord and Sequel: connections to the template go to its leased copy, and what is executed there is observed.
require 'pg'

module Dbperf
  module Driver
    Prepared = Struct.new(:text, :place)

    module Connection
      attr_accessor :dbperf_observed, :dbperf_unit

      %i[exec query async_exec async_query sync_exec send_query].each do |name|
        define_method(name) do |sql, *rest, &block|
          super(dbperf_said(sql), *rest, &block)
        end
      end

      %i[exec_params async_exec_params sync_exec_params send_query_params].each do |name|
        define_method(name) do |sql, *rest, &block|
          super(dbperf_said(sql), *rest, &block)
        end
      end

      %i[prepare async_prepare sync_prepare send_prepare].each do |name|
        define_method(name) do |statement, sql, *rest, &block|
          next super(statement, sql, *rest, &block) unless dbperf_observed

          dbperf_tell
          said = Observer.observe(sql, preparing: true)
          (@dbperf_prepared ||= {})[statement] = Prepared.new(sql, said == sql ? nil : Judge.place_in(said))
          super(statement, said, *rest, &block)
        end
      end

      %i[exec_prepared async_exec_prepared sync_exec_prepared send_query_prepared].each do |name|
        define_method(name) do |statement, *rest, &block|
          if dbperf_observed
            dbperf_tell
            prepared = @dbperf_prepared && @dbperf_prepared[statement]
            Observer.observe(prepared.text, prepared: prepared.place) if prepared
          end
          super(statement, *rest, &block)
        end
      end

      # Its BEGIN and ROLLBACK are the driver's own.
      def transaction(...)
        dbperf_tell if dbperf_observed
        super
      rescue Exception # whatever it was, it rolled back
        self.dbperf_unit = nil
        raise
      end

      private

      def dbperf_said(sql)
        return sql unless dbperf_observed && sql.is_a?(String)

        dbperf_tell
        self.dbperf_unit = nil if sql.match?(Observer::ROLLS_BACK) || (transaction_status == PG::PQTRANS_INERROR && sql.match?(Observer::COMMITS))
        Observer.observe(sql)
      end

      def dbperf_tell
        Dbperf.lease.touched = true
        return if transaction_status == PG::PQTRANS_INERROR
        return unless (sql = Observer.to_tell(dbperf_unit))

        Driver.execute(self, sql)
        self.dbperf_unit = Observer.unit
      end
    end

    module Opening
      %i[new open connect async_connect sync_connect].each do |name|
        define_method(name) do |*arguments, **named, &block|
          given = named.empty? ? arguments : arguments + [named]
          wanted = Driver.redirected(given)
          next super(*arguments, **named, &block) unless wanted
          # Some of these are others of them.
          next super(wanted, &block) if Thread.current[:dbperf_opening]

          begin
            Thread.current[:dbperf_opening] = true
            connection = super(wanted)
          ensure
            Thread.current[:dbperf_opening] = false
          end
          connection.dbperf_observed = true
          Driver.connections[connection] = true
          next connection unless block

          begin
            block.call(connection)
          ensure
            connection.finish unless connection.finished?
          end
        end
      end
    end

    class << self
      def connections = @connections ||= ObjectSpace::WeakMap.new

      def install
        return if @execute

        @execute = PG::Connection.instance_method(:async_exec)
        PG::Connection.prepend(Connection)
        PG::Connection.singleton_class.prepend(Opening)
      end

      def execute(connection, sql) = @execute.bind_call(connection, sql)

      # The options of a connection to the template, with its copy; nil for any other.
      def redirected(arguments)
        return if Thread.current[:dbperf_own] || Dbperf.lease.nil?

        text = PG::Connection.parse_connect_args(*arguments)
        options = PG::Connection.conninfo_parse(text.is_a?(Hash) ? PG::Connection.connect_hash_to_string(text) : text)
                                .filter_map { |option| [option[:keyword].to_sym, option[:val]] if option[:val] }.to_h
        name = options[:dbname] || ENV['PGDATABASE']
        options.merge(dbname: Dbperf.lease.acquire) if Dbperf.lease.wanted?(name)
      end

      # Transactions that the application left open end.
      def settle
        connections.each_key do |connection|
          next if connection.finished? || [PG::PQTRANS_IDLE, PG::PQTRANS_UNKNOWN].include?(connection.transaction_status)

          execute(connection, 'ROLLBACK')
          connection.dbperf_unit = nil
        end
      end

      # After the copy was replaced.
      def close_all
        ActiveRecord::Base.connection_handler.clear_all_connections! if defined?(ActiveRecord::Base)
        ObjectSpace.each_object(Class).select { |each| each < Sequel::Database }.flat_map { Sequel::DATABASES }.uniq.each(&:disconnect) if defined?(Sequel::DATABASES)
        connections.each_key { |connection| connection.finish unless connection.finished? }
      end
    end
  end
end
