# A machine that says nothing for 8 s is silent and its workers are offline; one that says
# nothing for 10 minutes is gone, and its workers with it.

> machine m1 joins as gpu-7
  m1 joined as gpu-7 ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> +7s w1 renews j1
  = no orders
> +999ms tick
  = done
> +1ms tick
  m1 silent
  = done

# Its lease lives as long as it is renewed. A worker that is offline turns neither busy nor idle.
> +1s w1 finishes j1
  j1 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  = done

# Heard again: whole, as it is now. A beat that says nothing new is no event.
> +1s machine m1 beats
  m1 is as gpu-7 ready: w1 idle
  = no orders
> +1s machine m1 beats
  = no orders
> +1s machine m1 beats phase starting
  m1 is as gpu-7 starting: w1 idle
  = no orders
> machine m1 joins as gpu-7
  = no orders
> machine m1 joins as gpu-8
  m1 is as gpu-8 starting: w1 idle
  = no orders

# A second silence is noticed as soon as the first.
> +7999ms tick
  = done
> +1ms tick
  m1 silent
  = done

# Joining is being heard, too.
> +1s machine m1 joins as gpu-8
  m1 is as gpu-8 starting: w1 idle
  = no orders
> +8s tick
  m1 silent
  = done

# Gone 10 minutes after it was last heard.
> submit j2 for hash
  j2 submitted
  = accepted
> +9m51s999ms tick
  = done
> +1ms tick
  w1 left: gone
  m1 left: gone
  j2 unschedulable, missing service: hash
  = done
> deadline
  none
> machine m1 beats
  ! unknown machine: m1
> w1 asks for work
  ! unknown worker: w1

# In one long step it is silent first.
> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> w1 asks for work starting
  j2 schedulable
  j2 assigned to w1 on m1, attempt 1
  w1 turns busy with j2, was idle
  j2 started by w1
  = j2, attempt 1, expires at 10m29s
> +20m tick
  j2 returned by w1 from in_progress: lease_expired; runs failed 0, lost in a row 1
  w1 turns idle, was busy
  m1 silent
  w1 left: gone
  m1 left: gone
  j2 unschedulable, missing service: hash
  = done
> look at j2
  pending, unschedulable since 30m21s, runs failed 0, lost in a row 1; 1 by w1: lease_expired
