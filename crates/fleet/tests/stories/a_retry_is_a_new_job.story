# An ended job can be asked for again: as a new one with all that was asked for the first time,
# but for times that have passed and the idempotency key. The old one never changes.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash priority 90 runs 1 payload "a" key k1 start-by 1h finish-by 20s not-before 0s
  j1 submitted
  = accepted
> w1 asks for work
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w1 starts j1
  j1 started by w1
  = no orders
> 1s w1 fails j1 "boom"
  j1 failed "boom" (internal); attempt 1 of w1 on m1, runs failed 1
  w1 turns idle, was busy
  = will not retry
> submit j5 for hash priority 90
  j5 submitted
  = accepted
> 2s retry j1 as j2
  j2 submitted
  = accepted
> look at j1
  failed at 1s, runs failed 1, lost in a row 0; 1 by w1: the end
> look at j2
  pending, runs failed 0, lost in a row 0, retry of j1
> queue
  j5, j2

# It has its own attempts, and its times that lie ahead still hold.
> cancel j5
  j5 cancelled; attempt 0, runs failed 0
  = done
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 10s
> 5s w1 finishes j2 with "good"
  j2 completed with "good"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> look at j1
  failed at 1s, runs failed 1, lost in a row 0; 1 by w1: the end
> 18s submit j1 for hash priority 90 runs 1 payload "a" key k1 start-by 1h finish-by 20s not-before 0s
  = accepted before as j1

# Any end will do: completed, cancelled, expired; the retry of a retry, too.
> retry j2 as j3
  j3 submitted
  = accepted
> 20s tick
  m1 silent
  j3 expired, not finished by 20s; attempt 0, runs failed 0
  = done
> retry j3 as j4
  j4 submitted
  = accepted
> 21s tick
  = done
> cancel j4
  j4 cancelled; attempt 0, runs failed 0
  = done
> retry j4 as j6
  j6 submitted
  = accepted
> look at j6
  pending, runs failed 0, lost in a row 0, retry of j4

# The retry has no key of its own.
> submit j8 for hash key k1
  ! idempotency conflict
> submit j8 for hash key k2
  j8 submitted
  = accepted
> cancel j8
  j8 cancelled; attempt 0, runs failed 0
  = done
> retry j8 as j10
  j10 submitted
  = accepted
> submit j11 for hash key k2
  = accepted before as j8
> cancel j6
  j6 cancelled; attempt 0, runs failed 0
  = done
