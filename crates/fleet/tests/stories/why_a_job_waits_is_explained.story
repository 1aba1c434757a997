# Whoever asks why a job waits is told the verdict, what fails on how many machines, the worker
# that is nearest and what it lacks, how many could run it and are free, and how much goes before.

> why j1
  unknown
> submit j1 for hash needs gpu 24 needs tag fast customer acme
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> why j1
  no capable worker
  of 0 workers on 0 machines, 0 on 0 capable, 0 free

# Nobody could run it: by what, and who is nearest.
> machine m1 joins
  m1 joined ready
  = no orders
> machine m2 joins
  m2 joined ready
  = no orders
> machine m3 joins
  m3 joined ready
  = no orders
> worker w1 of m1 registers for hash with gpu 16 tags fast
  w1 joined on m1 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w2 of m2 registers for hash with gpu 8
  w2 joined on m2 for hash, slots 1; completed 0, failed 0
  = no orders
> worker w3 of m3 registers for render with gpu 80 tags fast
  w3 joined on m3 for render, slots 1; completed 0, failed 0
  = no orders
> why j1
  no capable worker
  of 3 workers on 3 machines, 0 on 0 capable, 0 free
  fails: service: hash (on 1); hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  best: 16 of 24 gpu_memory_gb on 2 machines
> worker w4 of m2 registers for hash with gpu 16 denying acme
  w4 joined on m2 for hash, slots 1; completed 0, failed 0
  = no orders
> why j1
  no capable worker
  of 4 workers on 3 machines, 0 on 0 capable, 0 free
  fails: service: hash (on 1); hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  best: 16 of 24 gpu_memory_gb on 2 machines

# Somebody could and is free.
> worker w5 of m3 registers for hash with gpu 24 tags fast
  w5 joined on m3 for hash, slots 1; completed 0, failed 0
  = no orders
> why j1
  ready
  of 5 workers on 3 machines, 1 on 1 capable, 1 free
  fails: hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  ahead: 0
> submit j2 for hash priority 90
  j2 submitted
  = accepted
> submit j3 for render priority 99
  j3 submitted
  = accepted
> submit j4 for hash needs gpu 90 priority 99
  j4 submitted
  j4 unschedulable, missing hardware.gpu_memory_gb >= 90
  = accepted
> submit j5 for hash customer beta priority 10
  j5 submitted
  = accepted
> why j1
  ready
  of 5 workers on 3 machines, 1 on 1 capable, 1 free
  fails: hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  ahead: 1
> why j5
  ready
  of 5 workers on 3 machines, 4 on 3 capable, 4 free
  nearest: w3 on m3 lacks service: hash
  ahead: 2

# Busy: taken, drained, silent, down, held off.
> w5 asks for work starting
  j2 assigned to w5 on m3, attempt 1
  w5 turns busy with j2, was idle
  j2 started by w5
  = j2, attempt 1, expires at 8s
> why j1
  busy
  of 5 workers on 3 machines, 1 on 1 capable, 0 free
  fails: hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  ahead: 0
> why j2
  running
  of 5 workers on 3 machines, 4 on 3 capable, 3 free
  nearest: w3 on m3 lacks service: hash
> w5 finishes j2
  j2 completed with "done"; attempt 1 of w5 on m3, runs failed 0
  w5 turns idle, was busy
  = done
> drain worker w5
  w5 is drained: draining, was idle
  = done
> why j1
  busy
  of 5 workers on 3 machines, 1 on 1 capable, 0 free
  fails: hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  ahead: 0
> undrain worker w5
  w5 is drained no more: idle, was draining
  = done
> machine m3 beats down w5/hash
  w5 has hash down: its machine says so
  = no orders
> why j1
  busy
  of 5 workers on 3 machines, 1 on 1 capable, 0 free
  fails: hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  ahead: 0
> machine m3 beats up w5/hash
  w5 has hash up
  = no orders
> w5 asks for work
  j1 schedulable
  j1 assigned to w5 on m3, attempt 1
  w5 turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> w5 releases j1
  j1 returned by w5 from assigned: released; runs failed 0, lost in a row 0, handed back 1
  w5 turns idle, was busy
  = done
> why j1
  busy
  of 5 workers on 3 machines, 1 on 1 capable, 0 free
  fails: hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
  ahead: 0

# Paused goes before its delay, and its delay before who is free.
> pause hash
  hash paused
  = done
> why j1
  paused
  of 5 workers on 3 machines, 1 on 1 capable, 0 free
  fails: hardware.gpu_memory_gb >= 24 (on 2); tags: fast (on 1)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 24
> resume hash
  hash resumed
  = done
> submit j6 for hash not-before 1h
  j6 submitted
  = accepted
> why j6
  backing off until 1h
  of 5 workers on 3 machines, 4 on 3 capable, 4 free
  nearest: w3 on m3 lacks service: hash
> pause hash
  hash paused
  = done
> why j6
  paused
  of 5 workers on 3 machines, 4 on 3 capable, 4 free
  nearest: w3 on m3 lacks service: hash
> resume hash
  hash resumed
  = done
> why j4
  no capable worker
  of 5 workers on 3 machines, 0 on 0 capable, 0 free
  fails: hardware.gpu_memory_gb >= 90 (on 3)
  nearest: w1 on m1 lacks hardware.gpu_memory_gb >= 90
  best: 24 of 90 gpu_memory_gb on 3 machines

# Held by a worker, and ended.
> w1 asks for work
  j5 assigned to w1 on m1, attempt 1
  w1 turns busy with j5, was idle
  = j5, attempt 1, expires at 8s
> why j5
  running
  of 5 workers on 3 machines, 4 on 3 capable, 3 free
  nearest: w3 on m3 lacks service: hash
> w1 starts j5
  j5 started by w1
  = no orders
> why j5
  running
  of 5 workers on 3 machines, 4 on 3 capable, 3 free
  nearest: w3 on m3 lacks service: hash
> w1 finishes j5
  j5 completed with "done"; attempt 1 of w1 on m1, runs failed 0
  w1 turns idle, was busy
  = done
> why j5
  finished
  of 5 workers on 3 machines, 4 on 3 capable, 4 free
  nearest: w3 on m3 lacks service: hash

# What is excluded is said so.
> submit j7 for hash not tag fast needs region eu
  j7 submitted
  j7 unschedulable, missing region: eu
  = accepted
> why j7
  no capable worker
  of 5 workers on 3 machines, 0 on 0 capable, 0 free
  fails: region: eu (on 3); not tags: fast (on 2)
  nearest: w2 on m2 lacks region: eu
> submit j8 for hash in workflow f1 needs strict not gpu 8
  j8 submitted with its workflow's priority 50 of 0s
  j8 unschedulable, missing customer_isolation: strict; not hardware.gpu_memory_gb >= 8
  = accepted
> why j8
  no capable worker
  of 5 workers on 3 machines, 0 on 0 capable, 0 free
  fails: customer_isolation: strict (on 3); not hardware.gpu_memory_gb >= 8 (on 3)
  nearest: w1 on m1 lacks customer_isolation: strict; not hardware.gpu_memory_gb >= 8
> 8s tick
  m1 silent
  m2 silent
  m3 silent
  = done
> why j6
  backing off until 1h
  of 5 workers on 3 machines, 4 on 3 capable, 0 free
  nearest: w3 on m3 lacks service: hash
