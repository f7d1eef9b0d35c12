# Whether what was found fails a test, and what it is told then.
require 'cgi'

module Dbperf
  module Judge
    Verdict = Struct.new(:text, :unneeded)
    KINDS = { 'n_plus_one' => 'N+1', 'n_plus_one_write' => 'N+1 of writes', 'server_loop' => 'N+1 inside the server',
              'redundant' => 'the same statement, again and again' }.freeze

    class << self
      def place_in(comment)
        pairs = comment.to_s.scan(/([\w.%]+)='((?:[^'\\]|\\.)*)'/).to_h.transform_values { |value| CGI.unescape(value.gsub('+', '%2B').gsub("\\'", "'")) }
        pairs['source_location'] || [pairs['code.file.path'] || pairs['file'], pairs['code.line.number'] || pairs['line']].compact.join(':').then { |place| place unless place.empty? }
      end

      def edge_of(finding)
        return finding[:key_column].to_s unless finding[:parent_column]

        "#{[finding[:parent_relation], finding[:parent_column]].compact.join('.').delete_prefix('public.')} -> #{finding[:key_column]}"
      end

      def one_line(text)
        line = text.to_s.split.join(' ')
        line.size <= 300 ? line : "#{line[0, 297]}..."
      end

      def describe(finding, statements)
        place, below, above = Observer.loop_of(statements, place_in(finding[:call_site]))
        keys = finding[:kind] == 'redundant' ? '' : ", #{finding[:keys]} different keys"
        sure = finding[:confidence] == 'proven' ? '' : " (#{finding[:confidence]})"
        words = mapper_words(finding, Observer.mapper_at(below.first || place))
        [
          "#{place && "#{place}: "}#{KINDS[finding[:kind]]}: #{finding[:calls]} executions of one statement#{keys}#{sure}",
          *{ 'statement' => one_line(finding[:query]), 'key' => edge_of(finding), 'keys from' => one_line(finding[:parent_query]),
             'instead' => words || one_line(finding[:suggestion]), 'in SQL' => words && one_line(finding[:suggestion]),
             'executed' => below.first(3).join(', '), 'called at' => above.first(3).join(', '), 'in' => finding[:unit] }
            .reject { |_, text| text.nil? || text.empty? }.map { |what, text| "  #{what.ljust(10)} #{text}" }
        ].join("\n")
      end

      def allowed?(finding, allowed, statements)
        return !!allowed unless allowed.is_a?(Array)

        place, below, = Observer.loop_of(statements, place_in(finding[:call_site]))
        text = [finding[:query], edge_of(finding), place, *below].compact.join("\n")
        allowed.any? { |part| text.include?(part) }
      end

      def unneeded(findings, allowed, statements)
        return [] unless allowed
        return findings.empty? ? ['allow_n_plus_one'] : [] unless allowed.is_a?(Array)

        allowed.reject { |part| findings.any? { |finding| allowed?(finding, [part], statements) } }.map { |part| "allow_n_plus_one #{part.inspect}" }
      end

      def verdict(findings, statements, max_statements: nil, allow_n_plus_one: nil)
        gates = findings.select { |finding| %w[proven likely].include?(finding[:confidence]) }
        parts = gates.reject { |finding| allowed?(finding, allow_n_plus_one, statements) }.map { |finding| describe(finding, statements) }
        entries = statements.values.sort_by { |entry| -entry.count }
        total = entries.sum(&:count)
        if max_statements && total > max_statements
          place, = Observer.loop_of(statements, entries.first.sent)
          rows = entries.first(10).map { |entry| format('  %5d x  %s  %s', entry.count, entry.place, one_line(entry.text)[0, 160]) }
          parts << ["#{place && "#{place}: "}#{total} statements, at most #{max_statements} are allowed", *rows].join("\n")
        end
        Verdict.new(parts.empty? ? nil : parts.join("\n\n"), unneeded(gates, allow_n_plus_one, statements))
      end

      # An error that points to the line.
      def located(kind, text)
        kind.new(text).tap do |error|
          place = text[/\A(\S+:\d+): /, 1]
          error.set_backtrace([place.start_with?('/') ? place : Observer.root + place]) if place
        end
      end

      # What to write instead, in the mapper's words: its own names of models and associations.
      def mapper_words(finding, mapper)
        return unless mapper && finding[:kind] == 'n_plus_one' && finding[:parent_relation] && finding[:key_column].to_s.include?('.')

        parent = finding[:parent_relation].split('.').last.delete('"')
        child, _, key = finding[:key_column].rpartition('.')
        send(mapper, parent, finding[:parent_column], child, key)
      rescue StandardError
        nil # a model that cannot be looked into is no reason to hide the finding
      end

      private

      def active_record(parent, column, child, key)
        ActiveRecord::Base.descendants.reject(&:abstract_class?).each do |model|
          next unless model.table_name == parent

          model.reflect_on_all_associations.each do |association|
            next if association.polymorphic? || association.options[:through] || association.klass.table_name != child

            edge = association.belongs_to? ? [association.foreign_key.to_s, association.association_primary_key.to_s] : [association.active_record_primary_key.to_s, association.foreign_key.to_s]
            return "#{model.name}.includes(:#{association.name})" if edge == [column, key]
          end
        end
        nil
      end

      def sequel(parent, column, child, key)
        ObjectSpace.each_object(Class).select { |each| each < Sequel::Model && each.name && each.table_name.to_s == parent }.each do |model|
          model.all_association_reflections.each do |association|
            next unless association.associated_class.table_name.to_s == child

            edge = association[:type] == :many_to_one ? [association[:key].to_s, association.primary_key.to_s] : [association.primary_key.to_s, association[:key].to_s]
            return "#{model.name}.eager(:#{association[:name]})" if edge == [column, key]
          end
        end
        nil
      end
    end
  end
end
