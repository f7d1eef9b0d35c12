package dbperf

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Unit is a unit of work; the zero Unit is what prepares a test.
type Unit struct {
	name   string
	serial int
}

type entry struct {
	place, sent, text string // where it was executed; the place that the server was told, that of a prepared statement's first
	places            []string
	count             int
}

// Observer knows what is executed in a test, and at which lines.
type Observer struct {
	mutex         sync.Mutex
	unit          Unit
	serial        int
	units         []string
	statements    map[[2]string]*entry
	maxStatements int
	allowed       []string
	touched       bool
}

func (o *Observer) begin(name string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.serial++
	o.unit = Unit{shortened(name), o.serial}
	o.units, o.statements, o.maxStatements, o.allowed = nil, map[[2]string]*entry{}, 0, nil
}

// MaxStatements is the most statements of this test.
func (o *Observer) MaxStatements(most int) { o.maxStatements = most }

// AllowNPlusOne lets this test have an N+1: those with one of these in the statement, the edge or the file:line.
// The edge of every finding has " -> " in it.
func (o *Observer) AllowNPlusOne(parts ...string) { o.allowed = append(o.allowed, parts...) }

// Pause keeps what prepares a test out: it is neither judged nor counted.
func (o *Observer) Pause(block func()) { o.within(Unit{}, block) }

// Unit makes what the block executes a unit of work: a request, a job.
func (o *Observer) Unit(name string, block func()) { o.within(o.newUnit(name), block) }

func (o *Observer) within(unit Unit, block func()) {
	o.mutex.Lock()
	before := o.unit
	o.unit = unit
	o.mutex.Unlock()
	defer func() {
		o.mutex.Lock()
		o.unit = before
		o.mutex.Unlock()
	}()
	block()
}

func (o *Observer) newUnit(name string) Unit {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.serial++
	return Unit{shortened(name), o.serial}
}

func (o *Observer) current(ctx context.Context) Unit {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if unit, ok := ctx.Value(unitKey{}).(Unit); ok && o.unit.serial != 0 {
		return unit
	}
	return o.unit
}

// The server takes 127 bytes; the end says most.
func shortened(name string) string {
	name = strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "?")
	if len(name) <= 120 {
		return name
	}
	name = name[len(name)-117:]
	for !utf8.RuneStart(name[0]) {
		name = name[1:]
	}
	return "..." + name
}

var (
	notCounted   = regexp.MustCompile(`(?i)^\s*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|DEALLOCATE)\b`)
	rollsBack    = regexp.MustCompile(`(?i)^\s*(ROLLBACK|ABORT|COMMIT|END)\b`)
	sqlcommenter = regexp.MustCompile(`='(?:[^'\\]|\\.)*'\s*\*/[\s;]*$`)
	hasLine      = regexp.MustCompile(`\b(source_location|file|code\.file\.path)='[^']*'(?:,[^*]*)?\s*\*/[\s;]*$`)
)

// RollsBack says whether a statement may take back what a session was told.
func RollsBack(text string) bool { return rollsBack.MatchString(text) }

// Told is what a session was told of the unit last; nil: it must be told again.
type Told *Unit

// ToTell is what tells a session of the unit that is current now; "" when it knows.
func (o *Observer) ToTell(ctx context.Context, told Told) (string, Told) {
	unit := o.current(ctx)
	o.touched = true
	if told != nil && *told == unit {
		return "", told
	}
	if unit.name == "" {
		return "SET dbperf.scope = ''; SET dbperf.n_plus_one = off", &unit
	}
	again := ""
	if told != nil && told.name == unit.name {
		again = "SET dbperf.scope = ''; " // the same name again is another time
	}
	return again + "SET dbperf.scope = " + literal(unit.name) + "; SET dbperf.n_plus_one = on", &unit
}

func literal(value string) string {
	quote := "'"
	if strings.Contains(value, `\`) {
		quote = " E'"
	}
	return quote + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(value) + "'"
}

// Observe is called for each statement: its text as it is to be sent, and the line in it. `sent`: the line that a prepared statement was
// sent with, "" for another; `times` 0: it is only prepared.
func (o *Observer) Observe(ctx context.Context, text, sent string, times int) (string, string) {
	unit := o.current(ctx)
	if unit.name == "" || notCounted.MatchString(text) {
		return text, ""
	}
	places := placesOfCallers()
	place := ""
	if len(places) > 0 {
		place = places[0]
	}
	if sent == "" {
		sent = place
	}
	o.mutex.Lock()
	if !contains(o.units, unit.name) {
		o.units = append(o.units, unit.name)
	}
	if key := [2]string{place, text}; times > 0 && len(o.statements) < 10000 {
		if o.statements[key] == nil {
			o.statements[key] = &entry{place, sent, text, places, 0}
		}
		o.statements[key].count += times
	}
	o.mutex.Unlock()
	if place == "" {
		return text, ""
	}
	return comment(text, place), place
}

func contains(list []string, one string) bool {
	for _, each := range list {
		if each == one {
			return true
		}
	}
	return false
}

// One text for each line, so that prepared statements stay prepared.
func comment(text, place string) string {
	if len(place) > 90 {
		place = place[len(place)-90:]
	}
	pair := "source_location='" + strings.NewReplacer("%2F", "/", "+", "%20", "*", "%2A").Replace(url.QueryEscape(place)) + "'"
	if sqlcommenter.MatchString(text) {
		if hasLine.MatchString(text) {
			return text
		}
		at := strings.LastIndex(text, "*/")
		return strings.TrimRight(text[:at], " \t\r\n") + "," + pair + text[at:]
	}
	text = strings.TrimRight(text, " \t\r\n;")
	space := " "
	if strings.Contains(text[strings.LastIndex(text, "\n")+1:], "--") {
		space = "\n"
	}
	return text + space + "/*" + pair + "*/"
}

var (
	root     = projectRoot()
	own      = ownFolder()
	goroot   = runtime.GOROOT() + "/"
	verdicts sync.Map
)

func ownFolder() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file) + "/"
}

func projectRoot() string {
	folder, err := os.Getwd()
	if err != nil {
		return "/"
	}
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at + "/"
		}
		if at == filepath.Dir(at) {
			return folder + "/"
		}
	}
}

func isApplication(file string) bool {
	if known, ok := verdicts.Load(file); ok {
		return known.(bool)
	}
	verdict := !strings.HasPrefix(file, goroot) && !strings.HasPrefix(file, "/usr/lib/go") && !strings.Contains(file, "/pkg/mod/") && !strings.Contains(file, "/vendor/") &&
		!strings.HasPrefix(file, "/usr/share/gocode/") && !(strings.HasPrefix(file, own) && !strings.HasSuffix(file, "_test.go")) && !strings.HasPrefix(file, "_testmain")
	verdicts.Store(file, verdict)
	return verdict
}

// Lines of the application, innermost first.
func placesOfCallers() []string {
	var callers [60]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers[:])])
	var places []string
	for len(places) < 6 {
		frame, more := frames.Next()
		if isApplication(frame.File) && frame.File != "" {
			place := strings.TrimPrefix(frame.File, root) + ":" + strconv.Itoa(frame.Line)
			if len(places) == 0 || places[len(places)-1] != place {
				places = append(places, place)
			}
		}
		if !more {
			break
		}
	}
	return places
}

// The line of the loop, lines below it, lines above it: one that executes several statements is a function that all use.
func loopOf(statements map[[2]string]*entry, place string) (string, []string, []string) {
	var most *entry
	texts := map[string]map[string]bool{}
	for _, each := range statements {
		if each.sent == place && (most == nil || each.count > most.count) {
			most = each
		}
		for _, line := range each.places {
			if texts[line] == nil {
				texts[line] = map[string]bool{}
			}
			texts[line][each.text] = true
		}
	}
	if most == nil || len(most.places) == 0 {
		return place, nil, nil
	}
	at := 0
	for i, line := range most.places {
		if len(texts[line]) < 2 {
			at = i
			break
		}
	}
	return most.places[at], most.places[:at], most.places[at+1:]
}
