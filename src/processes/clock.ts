/**
 * The time for leaders: the machine's when this process started, and then as it goes by. A wall clock that is set, by a person or by NTP, moves
 * no deadline: no host is called down, no address rests for hours. Effects: reads the monotonic clock.
 */
export const steadyNow = (): number => Math.round(performance.timeOrigin + performance.now());
