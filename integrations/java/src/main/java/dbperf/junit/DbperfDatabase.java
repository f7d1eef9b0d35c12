package dbperf.junit;

import java.util.concurrent.Callable;
import javax.sql.DataSource;

/** The database of one test; a parameter of it. */
public final class DbperfDatabase {
    private final Lease lease;

    DbperfDatabase(Lease lease) {
        this.lease = lease;
    }

    /** Name of the copy. */
    public String name() {
        return lease.name;
    }

    public DataSource dataSource() {
        return lease.dataSource;
    }

    /** What prepares a test is neither judged nor counted. */
    public <T> T pause(Callable<T> block) throws Exception {
        return lease.observer.within(Observer.Unit.PAUSED, block);
    }

    /** What the block executes is a unit of work: a request, a job. */
    public <T> T unit(String name, Callable<T> block) throws Exception {
        return lease.observer.within(lease.observer.newUnit(name), block);
    }

    /** A block that is a unit of work of its own, judged by itself. */
    public <T> T check(String name, int maxStatements, Callable<T> block) throws Exception {
        var before = lease.observer.counts();
        T result = unit(name, block);
        var executed = lease.observer.since(before);
        var unit = Observer.shortened(name);
        lease.observer.units.remove(unit); // what the block is told, the test is not told again
        if (!executed.isEmpty()) {
            var verdict = Verdict.of(lease.findings(java.util.List.of(unit)), executed, maxStatements, null, new String[0]);
            if (verdict.text != null) throw Verdict.located(verdict.text, executed);
        }
        return result;
    }
}
