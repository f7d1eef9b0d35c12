/** What a test may do. A mark that nothing needs any more is reported. */
export interface Limits {
    /** Most statements of the body. */
    maxStatements?: number;
    /** The test may have an N+1: a reason, or parts of a statement, an edge or a file:line. */
    allowNPlusOne?: boolean | string | string[];
}
/** Marks for the test that calls it. */
export function dbperf(limits: Limits): void;
/** A block that is a unit of work of its own, and judged by itself. */
export function check<T>(name: string, body: () => T | Promise<T>): Promise<T>;
export function check<T>(name: string, limits: Limits, body: () => T | Promise<T>): Promise<T>;
/** Statements in it are of the unit of work `name`: a request, a job. */
export function unit<T>(name: string, body: () => T): T;
/** What prepares a test is neither judged nor counted. */
export function pause<T>(body: () => T): T;
