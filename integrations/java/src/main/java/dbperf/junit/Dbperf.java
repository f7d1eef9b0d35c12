package dbperf.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/** Every test of the class gets a clean copy of a database, and fails at the line of its N+1. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(DbperfExtension.class)
public @interface Dbperf {
    /** The database that tests get copies of. */
    String template();

    /** A database with the extension. */
    String home() default "postgres";

    /** A server without dbperf: error, once for the class, or skip. */
    String missing() default "error";
}
