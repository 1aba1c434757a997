# A job that came back ten times without a run, because workers released it or did not start it,
# fails as undeliverable. No run was counted.

> machine m1 joins
  m1 joined ready
  = no orders
> worker w1 of m1 registers for hash
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m1 registers for hash
  w2 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w3 of m1 registers for hash
  w3 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w4 of m1 registers for hash
  w4 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w5 of m1 registers for hash
  w5 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> submit j1 for hash runs 1
  j1 submitted
  = accepted
> w1 asks for work starting
  j1 assigned to w1 on m1, attempt 1
  w1 turns busy with j1, was idle
  j1 started by w1
  = j1, attempt 1, expires at 8s
> w1 releases j1
  j1 returned by w1 from in_progress: released; runs failed 0, lost in a row 0, handed back 1
  w1 turns idle, was busy
  = done
> w2 asks for work
  j1 assigned to w2 on m1, attempt 2
  w2 turns busy with j1, was idle
  = j1, attempt 2, expires at 8s
> w2 releases j1
  j1 returned by w2 from assigned: released; runs failed 0, lost in a row 0, handed back 2
  w2 turns idle, was busy
  = done
> w3 asks for work
  j1 assigned to w3 on m1, attempt 3
  w3 turns busy with j1, was idle
  = j1, attempt 3, expires at 8s
> w3 releases j1
  j1 returned by w3 from assigned: released; runs failed 0, lost in a row 0, handed back 3
  w3 turns idle, was busy
  = done
> w4 asks for work
  j1 assigned to w4 on m1, attempt 4
  w4 turns busy with j1, was idle
  = j1, attempt 4, expires at 8s
> w4 releases j1
  j1 returned by w4 from assigned: released; runs failed 0, lost in a row 0, handed back 4
  w4 turns idle, was busy
  = done
> w5 asks for work
  j1 assigned to w5 on m1, attempt 5
  w5 turns busy with j1, was idle
  = j1, attempt 5, expires at 8s
> machine m1 beats with w5/j1
  = no orders
> 7s machine m1 beats with w5/j1
  = no orders
> 10s tick
  j1 returned by w5 from assigned: not_started; runs failed 0, lost in a row 0, handed back 5
  w5 turns idle, was busy
  = done
> 17s machine m1 beats
  = no orders
> 24s machine m1 beats
  = no orders
> 30s tick
  = done
> w1 asks for work
  j1 assigned to w1 on m1, attempt 6
  w1 turns busy with j1, was idle
  = j1, attempt 6, expires at 38s
> w1 releases j1
  j1 returned by w1 from assigned: released; runs failed 0, lost in a row 0, handed back 6
  w1 turns idle, was busy
  = done
> w2 asks for work
  j1 assigned to w2 on m1, attempt 7
  w2 turns busy with j1, was idle
  = j1, attempt 7, expires at 38s
> w2 releases j1
  j1 returned by w2 from assigned: released; runs failed 0, lost in a row 0, handed back 7
  w2 turns idle, was busy
  = done
> w3 asks for work
  j1 assigned to w3 on m1, attempt 8
  w3 turns busy with j1, was idle
  = j1, attempt 8, expires at 38s
> w3 releases j1
  j1 returned by w3 from assigned: released; runs failed 0, lost in a row 0, handed back 8
  w3 turns idle, was busy
  = done
> w4 asks for work
  j1 assigned to w4 on m1, attempt 9
  w4 turns busy with j1, was idle
  = j1, attempt 9, expires at 38s
> w4 releases j1
  j1 returned by w4 from assigned: released; runs failed 0, lost in a row 0, handed back 9
  w4 turns idle, was busy
  = done
> 37s machine m1 beats
  = no orders
> 41s tick
  = done
> look at j1
  pending, runs failed 0, lost in a row 0, handed back 9; 1 by w1: released; 2 by w2: released; 3 by w3: released; 4 by w4: released; 5 by w5: not_started; 6 by w1: released; 7 by w2: released; 8 by w3: released; 9 by w4: released
> w5 asks for work
  j1 assigned to w5 on m1, attempt 10
  w5 turns busy with j1, was idle
  = j1, attempt 10, expires at 49s
> 44s machine m1 beats with w5/j1
  = no orders
> 51s tick
  j1 failed "came back 10 times without a run, the last time: not_started" (broker undeliverable); attempt 10 of w5 on m1, runs failed 0
  w5 turns idle, was busy
  = done
> look at j1
  failed at 51s, runs failed 0, lost in a row 0, handed back 9; 1 by w1: released; 2 by w2: released; 3 by w3: released; 4 by w4: released; 5 by w5: not_started; 6 by w1: released; 7 by w2: released; 8 by w3: released; 9 by w4: released; 10 by w5: the end
> machine m1 takes orders
  = stop w5/j1#5, w5/j1#10
