package dbperf.junit;

import java.sql.Connection;
import java.util.ArrayList;
import java.util.Optional;
import javax.sql.DataSource;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.BeforeTestExecutionCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/** JUnit 5: the body of a test is its method; what @BeforeEach and @AfterEach do is no part of it. */
public final class DbperfExtension
    implements ExecutionCondition, BeforeEachCallback, BeforeTestExecutionCallback, AfterTestExecutionCallback, AfterEachCallback, ParameterResolver {
    private static final ExtensionContext.Namespace SPACE = ExtensionContext.Namespace.create(DbperfExtension.class);
    static final InheritableThreadLocal<Lease> CURRENT = new InheritableThreadLocal<>();

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if (context.getTestMethod().isPresent() || context.getTestClass().isEmpty()) return ConditionEvaluationResult.enabled("");
        Dbperf settings = settings(context);
        try {
            Lease lease = Lease.take(settings.template(), settings.home());
            lease.giveBack();
        } catch (Exception problem) {
            if (settings.missing().equals("skip")) return ConditionEvaluationResult.disabled("dbperf: " + problem.getMessage());
            // Once for the class, not for each test.
            throw new ExtensionConfigurationException("dbperf: " + problem.getMessage());
        }
        return ConditionEvaluationResult.enabled("");
    }

    @Override
    public void beforeEach(ExtensionContext context) throws Exception {
        lease(context);
    }

    @Override
    public void beforeTestExecution(ExtensionContext context) throws Exception {
        lease(context).observer.begin(context.getRequiredTestClass().getSimpleName() + "." + context.getRequiredTestMethod().getName()
            + (context.getDisplayName().startsWith(context.getRequiredTestMethod().getName() + "(") ? "" : " " + context.getDisplayName()));
    }

    @Override
    public void afterTestExecution(ExtensionContext context) throws Exception {
        Lease lease = lease(context);
        var statements = lease.observer.end();
        Optional<MaxStatements> most = find(context, MaxStatements.class);
        Optional<AllowNPlusOne> allowed = find(context, AllowNPlusOne.class);
        var found = statements.isEmpty() ? new ArrayList<Lease.Finding>() : lease.findings(new ArrayList<>(lease.observer.units));
        Verdict verdict = Verdict.of(found, statements, most.map(MaxStatements::value).orElse(0), allowed.orElse(null), allowed.map(AllowNPlusOne::parts).orElse(new String[0]));
        for (String what : verdict.unneeded) {
            context.publishReportEntry("dbperf", what + " is not needed any more");
            System.err.println("dbperf: " + what + " of " + context.getRequiredTestClass().getSimpleName() + "." + context.getRequiredTestMethod().getName() + " is not needed any more");
        }
        if (verdict.text == null) return;
        AssertionError error = Verdict.located(verdict.text, statements);
        if (context.getExecutionException().isEmpty()) throw error;
        context.getExecutionException().get().addSuppressed(error); // the failure stays what it is
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        Lease lease = context.getStore(SPACE).remove(Lease.class, Lease.class);
        CURRENT.remove();
        if (lease == null) return;
        lease.observer.end();
        lease.giveBack();
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return context.getTestMethod().isPresent() && (type == DataSource.class || type == Connection.class || type == DbperfDatabase.class);
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        try {
            Lease lease = lease(context);
            Class<?> type = parameter.getParameter().getType();
            return type == DataSource.class ? lease.dataSource : type == Connection.class ? lease.dataSource.getConnection() : new DbperfDatabase(lease);
        } catch (Exception problem) {
            throw new ExtensionConfigurationException("dbperf: " + problem.getMessage());
        }
    }

    private static Lease lease(ExtensionContext context) throws Exception {
        Lease lease = context.getStore(SPACE).get(Lease.class, Lease.class);
        if (lease == null) {
            Dbperf settings = settings(context);
            lease = Lease.take(settings.template(), settings.home());
            context.getStore(SPACE).put(Lease.class, lease);
        }
        CURRENT.set(lease);
        return lease;
    }

    private static Dbperf settings(ExtensionContext context) {
        for (Class<?> type = context.getRequiredTestClass(); type != null; type = type.getEnclosingClass()) {
            Optional<Dbperf> found = AnnotationSupport.findAnnotation(type, Dbperf.class);
            if (found.isPresent()) return found.get();
        }
        throw new ExtensionConfigurationException("dbperf: no @Dbperf(template = ...) on " + context.getRequiredTestClass().getName());
    }

    private static <T extends java.lang.annotation.Annotation> Optional<T> find(ExtensionContext context, Class<T> type) {
        Optional<T> found = AnnotationSupport.findAnnotation(context.getTestMethod(), type);
        return found.isPresent() ? found : AnnotationSupport.findAnnotation(context.getTestClass(), type);
    }
}
