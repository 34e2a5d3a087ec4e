/** What a timer can wait. Pure. */

/** In milliseconds, 24.8 days; Node ends a longer timer after one (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args). */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
