package shop;

import dbperf.junit.Dbperf;
import org.junit.jupiter.api.Test;

class WrongServerCases {
    @Dbperf(template = "adapter_java", home = "template1")
    static class Fails {
        @Test
        void one() {}

        @Test
        void two() {}
    }

    @Dbperf(template = "adapter_java", home = "template1", missing = "skip")
    static class Skips {
        @Test
        void one() {}
    }
}
