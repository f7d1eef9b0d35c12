# What is being observed now: the unit of work, what was executed in it, and at which lines. Knows no driver.
require 'erb'
require 'rbconfig'

module Dbperf
  module Observer
    Unit = Struct.new(:name, :serial)
    Test = Struct.new(:name, :units, :statements)
    # `place`: where it was executed; `sent`: the place that the server was told, that of the first one of a prepared statement.
    Entry = Struct.new(:place, :sent, :text, :places, :count) do
      def with(count) = dup.tap { |entry| entry.count = count }
    end

    PAUSED = Unit.new('', 0).freeze
    NOT_COUNTED = /\A\s*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|DEALLOCATE)\b/i
    # What mappers ask about tables and columns, once per process.
    SCHEMA = /\b(pg_(attribute|class|type|index|namespace|constraint|attrdef|enum|range|description)|information_schema)\b/i
    ROLLS_BACK = /\A\s*(ROLLBACK|ABORT)\b/i
    COMMITS = /\A\s*(COMMIT|END)\b/i
    SQLCOMMENTER = /='(?:[^'\\]|\\.)*'\s*\*\/[\s;]*\z/
    HAS_LINE = /\b(source_location|file|code\.file\.path)='[^']*'(?:,[^*]*)?\s*\*\/[\s;]*\z/
    LIBRARIES = (Gem.path + RbConfig::CONFIG.values_at('rubylibdir', 'vendordir', 'sitedir', 'bindir') + ['/usr/share/rubygems', '/usr/lib/ruby', '<internal', '(eval'] + [File.dirname(__dir__) + '/dbperf'])
                .compact.freeze

    @serial = 0
    @units = []
    @verdicts = {}
    @mappers = {}

    class << self
      attr_reader :test

      def root = @root ||= "#{Dir.pwd}/"

      def start(name)
        @test = Test.new(shortened(name), [], {})
        @units = [Unit.new(@test.name, @serial += 1)]
      end

      def finish
        ended, @test = @test, nil
        @units = []
        ended
      end

      def unit = @units.last || PAUSED
      def paused? = unit.equal?(PAUSED)
      def push(name) = @units.push(name && @test ? Unit.new(shortened(name), @serial += 1) : PAUSED)
      def pop = (@units.pop if @units.size > 1 || @test.nil?)

      def within(name)
        push(name)
        yield
      ensure
        pop
      end

      # The server takes 127 bytes; the end says most.
      def shortened(name)
        name = name.to_s.delete("\0").encode('UTF-8', invalid: :replace, undef: :replace)
        name.bytesize <= 120 ? name : "...#{name.byteslice(-117, 117).scrub('')}"
      end

      def application?(path)
        @verdicts.fetch(path) do
          @verdicts[path] = !path.nil? && LIBRARIES.none? { |library| path.start_with?(library) } && !path.match?(%r{/(gems|vendor/bundle)/})
        end
      end

      # Lines of the application, innermost first.
      def places
        found = []
        mapper = nil
        caller_locations(3, 60).each do |frame|
          unless application?(frame.path)
            mapper ||= frame.path[/active_record|sequel/] if found.empty?
            next
          end

          place = "#{frame.path.delete_prefix(root)}:#{frame.lineno}"
          found << place unless found.last == place
          break if found.size == 6
        end
        @mappers[found.first] ||= mapper if mapper
        found
      end

      # Which one executed at this place, if any.
      def mapper_at(place) = @mappers[place]

      # One text for each line, so that prepared statements stay prepared.
      def comment(text, place)
        pair = "source_location='#{ERB::Util.url_encode(place[-90..] || place).gsub('%2F', '/')}'"
        if text.match?(SQLCOMMENTER)
          return text if text.match?(HAS_LINE)

          at = text.rindex('*/')
          return "#{text[0...at].rstrip},#{pair}#{text[at..]}"
        end
        statement = text.sub(/[\s;]+\z/, '')
        "#{statement}#{statement.lines.last.to_s.include?('--') ? "\n" : ' '}/*#{pair}*/"
      end

      # For each statement in the leased copy: its text as it is to be sent. `prepared`: what was sent to prepare it.
      def observe(text, prepared: nil, preparing: false)
        return text if @test.nil? || paused? || text.match?(NOT_COUNTED) || text.match?(SCHEMA)

        @test.units |= [unit.name]
        places = self.places
        unless preparing
          key = [places.first, text]
          entry = @test.statements[key] ||= (Entry.new(places.first, prepared || places.first, text, places, 0) if @test.statements.size < 10_000)
          entry.count += 1 if entry
        end
        places.empty? ? text : comment(text, places.first)
      end

      # What tells a session of the unit that is current now; nil when it knows.
      def to_tell(known)
        return if known == unit
        return "SET dbperf.scope = ''; SET dbperf.n_plus_one = off" if paused?

        again = known && known.name == unit.name ? "SET dbperf.scope = ''; " : '' # the same name again is another time
        "#{again}SET dbperf.scope = #{literal(unit.name)}; SET dbperf.n_plus_one = on"
      end

      def literal(value) = "#{value.include?('\\') ? ' E' : ''}'#{value.gsub('\\') { '\\\\' }.gsub("'", "''")}'"

      # The line of the loop, lines below it, lines above it: one that executes several statements is a function that all use.
      def loop_of(statements, place)
        entry = statements.values.select { |each| each.sent == place }.max_by(&:count)
        return [place, [], []] unless entry

        texts = Hash.new { |hash, key| hash[key] = [] }
        statements.each_value { |each| each.places.each { |line| texts[line] |= [each.text] } }
        at = entry.places.index { |line| texts[line].size < 2 } || 0
        [entry.places[at], entry.places[0...at], entry.places[at + 1..]]
      end
    end
  end
end
