# A failed run is followed by another after a backoff: up to 1 s after the first, twice that
# after each further one, never more than 5 minutes. The last run's failure is the end.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

# The roll picks a moment from none at all up to just below the ceiling.
> submit j1 for hash runs 4
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 fails j1 "boom" roll max
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 999ms; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 999ms
> look at j1
  pending until 999ms, runs failed 1, lost in a row 0; 1 by w1: failed

# It is not given before, and then it keeps nobody waiting.
> w1 asks for work
  = nothing
> +998ms tick
  = done
> w1 asks for work until 1h
  = nothing
> deadline
  999ms
> +1ms tick
  j1 assigned to w1 on m1, attempt 2
  w1 turns busy with j1, was idle
  = done
> w1 starts j1
  j1 started by w1
  = no orders
> w1 fails j1 "boom" roll max
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 2s998ms; runs failed 2, lost in a row 0
  w1 turns idle, was busy
  = will retry at 2s998ms
> +10s tick
  m1 silent
  = done
> machine m1 beats
  m1 is ready: w1 idle
  = no orders
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 3
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 3, expires at 18s999ms
> w1 fails j1 "boom" roll min
  j1 returned by w1 from in_progress: failed "boom" (internal), retry at 10s999ms; runs failed 3, lost in a row 0
  w1 turns idle, was busy
  = will retry at 10s999ms
> look at j1
  pending until 10s999ms, runs failed 3, lost in a row 0; 1 by w1: failed; 2 by w1: failed; 3 by w1: failed

# No wait at all is still a wait for the next tick.
> w1 asks for work
  = nothing
> tick
  = done
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 4
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 4, expires at 18s999ms
> w1 fails j1 "boom" roll max
  j1 failed "boom" (internal); attempt 4 of w1 on m1, runs failed 4
  w1 turns idle, was busy
  = will not retry
> look at j1
  failed at 10s999ms, runs failed 4, lost in a row 0; 1 by w1: failed; 2 by w1: failed; 3 by w1: failed; 4 by w1: the end

# A worker may say how long to wait, up to a day.
> submit j2 for hash runs 3
  j2 submitted
  = accepted
> w1 asks for work
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  = j2, attempt 1, expires at 18s999ms
> w1 fails j2 "slow down" as rate_limit after 30s
  j2 returned by w1 from assigned: failed "slow down" (rate_limit), retry at 40s999ms; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> +30s tick
  m1 silent
  = done
> machine m1 beats
  m1 is ready: w1 idle
  = no orders
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 2
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 2, expires at 48s999ms
> w1 fails j2 "slow down" as rate_limit after 48h
  j2 returned by w1 from in_progress: failed "slow down" (rate_limit), retry at 24h40s999ms; runs failed 2, lost in a row 0
  w1 turns idle, was busy
  = will retry at 24h40s999ms
> cancel j2
  j2 cancelled; attempt 2, runs failed 2
  = done

# The backoff grows no longer than 5 minutes.
> submit j3 for hash runs 100
  j3 submitted
  = accepted
> w1 asks for work
  j3 assigned to w1 on m1, attempt 1
  w1 turns busy with j3, was idle
  = j3, attempt 1, expires at 48s999ms
> w1 fails j3 "1" roll min
  j3 returned by w1 from assigned: failed "1" (internal), retry at 40s999ms; runs failed 1, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 2
  w1 turns busy with j3, was idle
  = j3, attempt 2, expires at 48s999ms
> w1 fails j3 "2" roll min
  j3 returned by w1 from assigned: failed "2" (internal), retry at 40s999ms; runs failed 2, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 3
  w1 turns busy with j3, was idle
  = j3, attempt 3, expires at 48s999ms
> w1 fails j3 "3" roll min
  j3 returned by w1 from assigned: failed "3" (internal), retry at 40s999ms; runs failed 3, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 4
  w1 turns busy with j3, was idle
  = j3, attempt 4, expires at 48s999ms
> w1 fails j3 "4" roll min
  j3 returned by w1 from assigned: failed "4" (internal), retry at 40s999ms; runs failed 4, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 5
  w1 turns busy with j3, was idle
  = j3, attempt 5, expires at 48s999ms
> w1 fails j3 "5" roll min
  j3 returned by w1 from assigned: failed "5" (internal), retry at 40s999ms; runs failed 5, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 6
  w1 turns busy with j3, was idle
  = j3, attempt 6, expires at 48s999ms
> w1 fails j3 "6" roll min
  j3 returned by w1 from assigned: failed "6" (internal), retry at 40s999ms; runs failed 6, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 7
  w1 turns busy with j3, was idle
  = j3, attempt 7, expires at 48s999ms
> w1 fails j3 "7" roll min
  j3 returned by w1 from assigned: failed "7" (internal), retry at 40s999ms; runs failed 7, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 8
  w1 turns busy with j3, was idle
  = j3, attempt 8, expires at 48s999ms
> w1 fails j3 "8" roll min
  j3 returned by w1 from assigned: failed "8" (internal), retry at 40s999ms; runs failed 8, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 9
  w1 turns busy with j3, was idle
  = j3, attempt 9, expires at 48s999ms
> w1 fails j3 "9" roll min
  j3 returned by w1 from assigned: failed "9" (internal), retry at 40s999ms; runs failed 9, lost in a row 0
  w1 turns idle, was busy
  = will retry at 40s999ms
> tick
  = done
> w1 asks for work
  j3 assigned to w1 on m1, attempt 10
  w1 turns busy with j3, was idle
  = j3, attempt 10, expires at 48s999ms
> w1 fails j3 "10" roll max
  j3 returned by w1 from assigned: failed "10" (internal), retry at 5m40s998ms; runs failed 10, lost in a row 0
  w1 turns idle, was busy
  = will retry at 5m40s998ms
> +1s tick
  = done
> cancel j3
  j3 cancelled; attempt 10, runs failed 10
  = done

# With the lease the right to fail is gone.
> w1 fails j3 "11"
  ! lease lost
