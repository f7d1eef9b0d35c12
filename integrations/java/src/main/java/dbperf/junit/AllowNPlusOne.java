package dbperf.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** This test may have an N+1. */
@Target({ElementType.METHOD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface AllowNPlusOne {
    /** Why. */
    String value() default "";

    /** Only these: parts of a statement, an edge or a file:line. */
    String[] parts() default {};
}
