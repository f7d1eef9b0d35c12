package dbperf.junit;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether what was found fails a test, and what it is told then. */
final class Verdict {
    private static final Pattern PAIRS = Pattern.compile("([\\w.%]+)='((?:[^'\\\\]|\\\\.)*)'");
    private static final Map<String, String> KINDS = Map.of("n_plus_one", "N+1", "n_plus_one_write", "N+1 of writes", "server_loop", "N+1 inside the server", "redundant", "the same statement, again and again");

    final String text; // null: green
    final List<String> unneeded;

    private Verdict(String text, List<String> unneeded) {
        this.text = text;
        this.unneeded = unneeded;
    }

    /** The line of the loop, lines below it, lines above it. */
    private record Loop(String place, List<String> below, List<String> above) {}

    /** A line that executes several statements is a function that all use. */
    private static Loop loopOf(Map<Observer.Key, Observer.Entry> statements, String place) {
        Map<String, Set<String>> texts = new HashMap<>();
        for (var entry : statements.values())
            for (String line : entry.places()) texts.computeIfAbsent(line, each -> new HashSet<>()).add(entry.text());
        var most = statements.values().stream().filter(each -> each.sent().equals(place)).max(Comparator.comparingInt(Observer.Entry::count));
        if (most.isEmpty() || most.get().frames().isEmpty()) return new Loop(place, List.of(), List.of());
        List<String> places = most.get().places();
        int at = 0;
        for (int i = places.size() - 1; i >= 0; i--) if (texts.get(places.get(i)).size() < 2) at = i;
        return new Loop(places.get(at), places.subList(0, at), places.subList(at + 1, places.size()));
    }

    static String placeIn(String comment) {
        Matcher pairs = PAIRS.matcher(comment == null ? "" : comment);
        while (pairs.find())
            if (pairs.group(1).equals("source_location") || pairs.group(1).equals("file")) return URLDecoder.decode(pairs.group(2).replace("+", "%2B"), StandardCharsets.UTF_8);
        return "";
    }

    private static String edgeOf(Lease.Finding finding) {
        if (finding.parentColumn() == null) return finding.keyColumn() == null ? "" : finding.keyColumn();
        String parent = finding.parentRelation() == null ? finding.parentColumn() : finding.parentRelation() + "." + finding.parentColumn();
        return parent.replaceFirst("^public\\.", "") + " -> " + finding.keyColumn();
    }

    private static String oneLine(String text) {
        String line = text == null ? "" : text.strip().replaceAll("\\s+", " ");
        return line.length() <= 300 ? line : line.substring(0, 297) + "...";
    }

    private static String describe(Lease.Finding finding, Map<Observer.Key, Observer.Entry> statements) {
        Loop loop = loopOf(statements, placeIn(finding.callSite()));
        StringBuilder text = new StringBuilder(loop.place().isEmpty() ? "" : loop.place() + ": ");
        text.append(KINDS.get(finding.kind())).append(": ").append(finding.calls()).append(" executions of one statement");
        if (!finding.kind().equals("redundant")) text.append(", ").append(finding.keys()).append(" different keys");
        if (!finding.confidence().equals("proven")) text.append(" (").append(finding.confidence()).append(")");
        String[][] lines = {{"statement", oneLine(finding.query())}, {"key", edgeOf(finding)}, {"keys from", oneLine(finding.parentQuery())}, {"instead", oneLine(finding.suggestion())},
            {"executed", String.join(", ", loop.below())}, {"called at", String.join(", ", loop.above())}, {"in", finding.unit()}};
        for (String[] line : lines) if (!line[1].isEmpty()) text.append(String.format("%n  %-10s %s", line[0], line[1]));
        return text.toString();
    }

    private static boolean isAllowed(Lease.Finding finding, String part, Map<Observer.Key, Observer.Entry> statements) {
        Loop loop = loopOf(statements, placeIn(finding.callSite()));
        return String.join("\n", oneLine(finding.query()), edgeOf(finding), loop.place(), String.join("\n", loop.below())).contains(part);
    }

    /** maxStatements 0: any number; allowed null: no N+1, empty: every one. */
    static Verdict of(List<Lease.Finding> findings, Map<Observer.Key, Observer.Entry> statements, int maxStatements, AllowNPlusOne allowed, String[] parts) {
        List<String> texts = new ArrayList<>();
        Set<String> used = new HashSet<>();
        boolean any = false;
        for (var finding : findings) {
            if (!finding.confidence().equals("proven") && !finding.confidence().equals("likely")) continue;
            any = true;
            boolean isAllowed = allowed != null && parts.length == 0;
            for (String part : parts)
                if (isAllowed(finding, part, statements)) {
                    used.add(part);
                    isAllowed = true;
                }
            if (!isAllowed) texts.add(describe(finding, statements));
        }
        int total = statements.values().stream().mapToInt(Observer.Entry::count).sum();
        if (maxStatements > 0 && total > maxStatements) {
            var entries = statements.values().stream().sorted(Comparator.comparingInt(Observer.Entry::count).reversed()).limit(10).toList();
            String place = loopOf(statements, entries.get(0).sent()).place();
            StringBuilder text = new StringBuilder(place.isEmpty() ? "" : place + ": ").append(total).append(" statements, at most ").append(maxStatements).append(" are allowed");
            for (var entry : entries) text.append(String.format("%n  %5d x  %s  %.160s", entry.count(), entry.place(), oneLine(entry.text())));
            texts.add(text.toString());
        }
        List<String> unneeded = new ArrayList<>();
        if (allowed != null && parts.length == 0 && !any) unneeded.add("@AllowNPlusOne");
        for (String part : parts) if (!used.contains(part)) unneeded.add("@AllowNPlusOne \"" + part + "\"");
        return new Verdict(texts.isEmpty() ? null : String.join(System.lineSeparator() + System.lineSeparator(), texts), unneeded);
    }

    /** An error that points to the line. */
    static AssertionError located(String text, Map<Observer.Key, Observer.Entry> statements) {
        AssertionError error = new AssertionError(text);
        String place = text.substring(0, Math.max(0, text.indexOf(": ")));
        for (var entry : statements.values())
            for (int i = 0; i < entry.frames().size(); i++)
                if (Observer.placeOf(entry.frames().get(i)).equals(place)) {
                    error.setStackTrace(entry.frames().subList(i, entry.frames().size()).toArray(StackTraceElement[]::new));
                    return error;
                }
        return error;
    }
}
