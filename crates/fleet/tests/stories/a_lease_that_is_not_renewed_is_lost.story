# A lease that is not renewed for 8 s is lost. Its job goes back to the queue and no run is
# counted; whatever its holder reports later is refused and changes nothing.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders

> submit j1 for hash runs 1
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> +7s machine m1 beats
  = no orders
> +999ms tick
  = done
> +1ms tick
  j1 returned by w1 from in_progress: lease_expired; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  = done
> look at j1
  pending, runs failed 0, lost in a row 1; 1 by w1: lease_expired
> w1 starts j1
  ! lease lost
> w1 renews j1
  ! lease lost
> w1 reports j1 percent 90
  ! lease lost
> w1 fails j1 "boom"
  ! lease lost
> w1 releases j1
  ! lease lost
> w1 finishes j1 with "late"
  ! lease lost

# Another holder, or the same one under another lease, is not disturbed by it.
> w2 asks for work starting
  j1 assigned to w2 on m1, attempt 2
  w2 turns busy with j1, was idle
  j1 started by w2
  = j1, attempt 2, expires at 16s
> w1 finishes j1 with "late"
  ! lease lost
> w2 finishes j1 with "good"
  j1 completed with "good"; attempt 2 of w2 on m1, runs failed 0
  w2 turns idle, was busy
  = done
> w1 finishes j1 with "good"
  ! lease lost

# A heartbeat renews the leases it names, and no others.
> submit j2 for hash
  j2 submitted
  = accepted
> submit j3 for hash
  j3 submitted
  = accepted
> w1 asks for work starting
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 16s
> w2 asks for work starting
  j3 assigned to w2 on m1, attempt 1
  w2 turns busy with j3, was idle
  j3 started by w2
  = j3, attempt 1, expires at 16s
> +5s machine m1 beats with w1/j2
  = no orders
> +5s tick
  j3 returned by w2 from in_progress: lease_expired; runs failed 0, lost in a row 1
  w2 turns idle, was busy
  = done
> w1 finishes j2
  j2 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done

# Assigned and never heard of again: lost, but it has not run.
> w2 asks for work
  j3 assigned to w2 on m1, attempt 2
  w2 turns busy with j3, was idle
  = j3, attempt 2, expires at 26s
> +8s tick
  m1 silent
  j3 returned by w2 from assigned: lease_expired; runs failed 0, lost in a row 1
  = done
> look at j3
  pending, runs failed 0, lost in a row 1; 1 by w2: lease_expired; 2 by w2: lease_expired

# A lease that nobody ever had.
> w1 finishes j3
  ! lease lost
