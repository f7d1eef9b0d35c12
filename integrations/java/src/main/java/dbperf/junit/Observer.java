package dbperf.junit;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/** What is executed in a test, and at which lines. Knows no driver. */
final class Observer {
    record Unit(String name, int serial) {
        static final Unit PAUSED = new Unit("", 0);
    }

    record Key(String place, String text) {}

    /** `sent`: the place that the server was told, that of a prepared statement's preparation. */
    record Entry(String place, String sent, String text, List<StackTraceElement> frames, int count) {
        Entry with(int count) {
            return new Entry(place, sent, text, frames, count);
        }

        List<String> places() {
            return frames.stream().map(Observer::placeOf).toList();
        }
    }

    private static final Pattern NOT_COUNTED = Pattern.compile("\\s*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|DEALLOCATE)\\b.*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
    private static final Pattern ROLLS_BACK = Pattern.compile("\\s*(ROLLBACK|ABORT|COMMIT|END)\\b.*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
    private static final Pattern SQLCOMMENTER = Pattern.compile("='(?:[^'\\\\]|\\\\.)*'\\s*\\*/[\\s;]*$");
    private static final Pattern HAS_LINE = Pattern.compile("\\b(source_location|file|code\\.file\\.path)='[^']*'(?:,[^*]*)?\\s*\\*/[\\s;]*$");
    private static final StackWalker WALKER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
    private static final Map<Class<?>, Boolean> APPLICATION = new ConcurrentHashMap<>();

    volatile Unit unit = Unit.PAUSED;
    volatile boolean touched;
    final Set<String> units = new LinkedHashSet<>();
    private final Map<Key, Entry> statements = new LinkedHashMap<>();
    private int serial;

    synchronized void begin(String name) {
        units.clear();
        statements.clear();
        unit = new Unit(shortened(name), ++serial);
    }

    synchronized Map<Key, Entry> end() {
        unit = Unit.PAUSED;
        return new LinkedHashMap<>(statements);
    }

    synchronized Map<Key, Integer> counts() {
        Map<Key, Integer> counts = new LinkedHashMap<>();
        statements.forEach((key, entry) -> counts.put(key, entry.count()));
        return counts;
    }

    synchronized Map<Key, Entry> since(Map<Key, Integer> before) {
        Map<Key, Entry> executed = new LinkedHashMap<>();
        statements.forEach((key, entry) -> {
            int more = entry.count() - before.getOrDefault(key, 0);
            if (more > 0) executed.put(key, entry.with(more));
        });
        return executed;
    }

    synchronized Unit newUnit(String name) {
        return new Unit(shortened(name), ++serial);
    }

    <T> T within(Unit inner, Callable<T> block) throws Exception {
        Unit before = unit;
        if (before != Unit.PAUSED) unit = inner;
        try {
            return block.call();
        } finally {
            unit = before;
        }
    }

    /** The server takes 127 bytes; the end says most. */
    static String shortened(String name) {
        name = name.replace("\0", "");
        if (name.getBytes(StandardCharsets.UTF_8).length <= 120) return name;
        while (name.getBytes(StandardCharsets.UTF_8).length > 117) name = name.substring(name.offsetByCodePoints(0, 1));
        return "..." + name;
    }

    static boolean rollsBack(String text) {
        return ROLLS_BACK.matcher(text).matches();
    }

    /** What tells a session of the unit that is current now; null when it knows. */
    String toTell(Unit told, Unit now) {
        touched = true;
        if (now.equals(told)) return null;
        if (now == Unit.PAUSED) return "SET dbperf.scope = ''; SET dbperf.n_plus_one = off";
        String again = told != null && told.name().equals(now.name()) ? "SET dbperf.scope = ''; " : ""; // the same name again is another time
        return again + "SET dbperf.scope = " + literal(now.name()) + "; SET dbperf.n_plus_one = on";
    }

    private static String literal(String value) {
        return (value.contains("\\") ? " E'" : "'") + value.replace("\\", "\\\\").replace("'", "''") + "'";
    }

    /** For each statement in the leased copy: its text as it is to be sent. `times` 0: it is only prepared. */
    String observe(String text, String sent, int times) {
        if (unit == Unit.PAUSED || NOT_COUNTED.matcher(text).matches()) return text;
        List<StackTraceElement> frames = frames();
        String place = frames.isEmpty() ? "" : placeOf(frames.get(0));
        synchronized (this) {
            units.add(unit.name());
            Key key = new Key(place, text);
            if (times > 0 && (statements.size() < 10_000 || statements.containsKey(key)))
                statements.merge(key, new Entry(place, sent == null ? place : sent, text, frames, times), (a, b) -> a.with(a.count() + b.count()));
        }
        return place.isEmpty() ? text : comment(text, place);
    }

    /** One text for each line, so that prepared statements stay prepared. */
    static String comment(String text, String place) {
        String end = place.length() > 90 ? place.substring(place.length() - 90) : place;
        String pair = "source_location='" + URLEncoder.encode(end, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A").replace("%2F", "/") + "'";
        if (SQLCOMMENTER.matcher(text).find()) {
            if (HAS_LINE.matcher(text).find()) return text;
            int at = text.lastIndexOf("*/");
            return text.substring(0, at).stripTrailing() + "," + pair + text.substring(at);
        }
        text = text.replaceAll("[\\s;]+$", "");
        return text + (text.substring(text.lastIndexOf('\n') + 1).contains("--") ? "\n" : " ") + "/*" + pair + "*/";
    }

    /** Frames of the application, innermost first: classes that lie in a folder, or in a jar that is no library of ours. */
    private static List<StackTraceElement> frames() {
        return WALKER.walk(all -> {
            List<StackTraceElement> found = new ArrayList<>();
            all.filter(frame -> isApplication(frame.getDeclaringClass())).limit(6).forEach(frame -> {
                StackTraceElement element = frame.toStackTraceElement();
                if (found.isEmpty() || !placeOf(found.get(found.size() - 1)).equals(placeOf(element))) found.add(element);
            });
            return found;
        });
    }

    private static boolean isApplication(Class<?> type) {
        return APPLICATION.computeIfAbsent(type, each -> {
            if (each.getPackageName().equals("dbperf.junit") && !each.getName().endsWith("Test") || each.isHidden()) return false;
            var source = each.getProtectionDomain().getCodeSource();
            return source != null && source.getLocation() != null && source.getLocation().getPath().endsWith("/");
        });
    }

    static String placeOf(StackTraceElement frame) {
        String name = frame.getClassName();
        int dot = name.lastIndexOf('.');
        return (dot < 0 ? "" : name.substring(0, dot + 1).replace('.', '/')) + frame.getFileName() + ":" + frame.getLineNumber();
    }
}
