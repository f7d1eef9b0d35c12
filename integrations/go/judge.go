package dbperf

import (
	"fmt"
	"net/url"
	"regexp"
	"sort"
	"strings"
)

// Finding is a row of dbperf.unit_findings().
type Finding struct {
	Unit, Kind, Confidence, Query, KeyColumn, ParentQuery, ParentRelation, ParentColumn, CallSite, Suggestion string
	Calls, Keys                                                                                               int64
}

// FindingsQuery asks for the findings of units ($1, an array as text) since a moment ($2); its columns are the fields of Finding in the order
// Unit, Kind, Confidence, Calls, Keys, Query, KeyColumn, ParentQuery, ParentRelation, ParentColumn, CallSite, Suggestion.
const FindingsQuery = `SELECT u, f.kind, f.confidence, f.calls, f.distinct_keys, f.query, COALESCE(f.key_column, ''), COALESCE(f.parent_query, ''),
 COALESCE(f.parent_relation, ''), COALESCE(f.parent_column, ''), COALESCE(f.call_site, ''), COALESCE(f.suggestion, '')
 FROM pg_catalog.unnest($1::text[]) u, dbperf.unit_findings(u, $2::timestamptz) f ORDER BY f.calls DESC`

// Fields are what a row of FindingsQuery is scanned into.
func (f *Finding) Fields() []interface{} {
	return []interface{}{&f.Unit, &f.Kind, &f.Confidence, &f.Calls, &f.Keys, &f.Query, &f.KeyColumn, &f.ParentQuery, &f.ParentRelation, &f.ParentColumn, &f.CallSite, &f.Suggestion}
}

// ArrayOf is a list as the text of an array.
func ArrayOf(list []string) string {
	quoted := make([]string, len(list))
	for i, one := range list {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(one) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

var pairs = regexp.MustCompile(`([\w.%]+)='((?:[^'\\]|\\.)*)'`)

func (f *Finding) place() string {
	for _, pair := range pairs.FindAllStringSubmatch(f.CallSite, -1) {
		if pair[1] == "source_location" || pair[1] == "file" {
			if place, err := url.PathUnescape(pair[2]); err == nil {
				return place
			}
		}
	}
	return ""
}

func (f *Finding) edge() string {
	if f.ParentColumn == "" {
		return f.KeyColumn
	}
	parent := f.ParentColumn
	if f.ParentRelation != "" {
		parent = strings.TrimPrefix(f.ParentRelation+"."+f.ParentColumn, "public.")
	}
	return parent + " -> " + f.KeyColumn
}

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = text[:297] + "..."
	}
	return text
}

var kinds = map[string]string{"n_plus_one": "N+1", "n_plus_one_write": "N+1 of writes", "server_loop": "N+1 inside the server", "redundant": "the same statement, again and again"}

func first(list []string) string {
	if len(list) > 3 {
		list = list[:3]
	}
	return strings.Join(list, ", ")
}

func (f *Finding) describe(statements map[[2]string]*entry) string {
	place, below, above := loopOf(statements, f.place())
	text := fmt.Sprintf("%s: %d executions of one statement", kinds[f.Kind], f.Calls)
	if place != "" {
		text = place + ": " + text
	}
	if f.Kind != "redundant" {
		text += fmt.Sprintf(", %d different keys", f.Keys)
	}
	if f.Confidence != "proven" {
		text += " (" + f.Confidence + ")"
	}
	for _, line := range [][2]string{{"statement", oneLine(f.Query)}, {"key", f.edge()}, {"keys from", oneLine(f.ParentQuery)}, {"instead", oneLine(f.Suggestion)},
		{"executed", first(below)}, {"called at", first(above)}, {"in", f.Unit}} {
		if line[1] != "" {
			text += fmt.Sprintf("\n  %-10s %s", line[0], line[1])
		}
	}
	return text
}

func (f *Finding) isAllowed(part string, statements map[[2]string]*entry) bool {
	place, below, _ := loopOf(statements, f.place())
	return strings.Contains(strings.Join(append([]string{f.Query, f.edge(), place}, below...), "\n"), part)
}

func verdict(findings []Finding, statements map[[2]string]*entry, maxStatements int, allowed []string) (string, []string) {
	var parts []string
	used := map[string]bool{}
	for i := range findings {
		if findings[i].Confidence != "proven" && findings[i].Confidence != "likely" {
			continue
		}
		isAllowed := false
		for _, part := range allowed {
			if findings[i].isAllowed(part, statements) {
				used[part], isAllowed = true, true
			}
		}
		if !isAllowed {
			parts = append(parts, findings[i].describe(statements))
		}
	}
	total := 0
	var entries []*entry
	for _, each := range statements {
		total += each.count
		entries = append(entries, each)
	}
	if maxStatements > 0 && total > maxStatements {
		sort.Slice(entries, func(i, j int) bool { return entries[i].count > entries[j].count })
		text := fmt.Sprintf("%d statements, at most %d are allowed", total, maxStatements)
		if place, _, _ := loopOf(statements, entries[0].sent); place != "" {
			text = place + ": " + text
		}
		for i, each := range entries {
			if i < 10 {
				text += fmt.Sprintf("\n  %5d x  %s  %.160s", each.count, each.place, oneLine(each.text))
			}
		}
		parts = append(parts, text)
	}
	var unneeded []string
	for _, part := range allowed {
		if !used[part] {
			unneeded = append(unneeded, fmt.Sprintf("AllowNPlusOne(%q)", part))
		}
	}
	return strings.Join(parts, "\n\n"), unneeded
}

func (o *Observer) end(findings func([]string) ([]Finding, error)) (string, []string, error) {
	o.mutex.Lock()
	o.unit = Unit{}
	units, statements, most, allowed := o.units, o.statements, o.maxStatements, o.allowed
	o.units, o.statements = nil, map[[2]string]*entry{}
	o.mutex.Unlock()
	var found []Finding
	var err error
	if len(units) > 0 {
		found, err = findings(units)
	}
	text, unneeded := verdict(found, statements, most, allowed)
	return text, unneeded, err
}

func (o *Observer) check(name string, maxStatements int, findings func([]string) ([]Finding, error), block func()) string {
	before := map[[2]string]int{}
	o.mutex.Lock()
	for key, each := range o.statements {
		before[key] = each.count
	}
	o.mutex.Unlock()
	o.Unit(name, block)
	name = shortened(name)
	o.mutex.Lock()
	executed := map[[2]string]*entry{}
	for key, each := range o.statements {
		if each.count > before[key] {
			copied := *each
			copied.count -= before[key]
			executed[key] = &copied
		}
	}
	var units []string // what the block is told, the test is not told again
	for _, unit := range o.units {
		if unit != name {
			units = append(units, unit)
		}
	}
	o.units = units
	o.mutex.Unlock()
	if len(executed) == 0 {
		return ""
	}
	found, err := findings([]string{name})
	text, _ := verdict(found, executed, maxStatements, o.allowed)
	if err != nil {
		text = err.Error()
	}
	return text
}
