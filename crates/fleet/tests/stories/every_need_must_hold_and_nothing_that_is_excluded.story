# A worker is given a job if it satisfies every need and nothing that the job excludes. What it
# does not declare satisfies nothing, so it is never excluded for it.

> machine m1 joins
  m1 joined ready
  = no orders
> worker big of m1 registers for hash slots 64 with gpu 24 gpus 2 gpu-model A100 ram 64 cpus 16 tags fast,spot region eu
  big joined on m1 for hash, slots 64; completed 0, failed 0
  = no orders
> worker own of m1 registers for hash slots 64 with custom net.mbit=1000,kind=slow,disk.kinds=ssd|nvme,beta=true,tape=|
  own joined on m1 for hash, slots 64; completed 0, failed 0
  = no orders
> worker bare of m1 registers for hash slots 64
  bare joined on m1 for hash, slots 64; completed 0, failed 0
  = no orders

# Amounts are enough or more, the model is one of a list, tags are all there, the region is the same.
> submit j1 for hash needs gpu 24 needs gpus 2 needs ram 60.5 needs cpus 16 needs gpu-model H100,A100 needs tags fast,spot region eu
  j1 submitted
  = accepted
> bare asks for work
  = nothing
> own asks for work
  = nothing
> big asks for work
  j1 assigned to big on m1, attempt 1
  big turns busy with j1, was idle
  = j1, attempt 1, expires at 8s
> submit j2 for hash needs gpu 24.5
  j2 submitted
  j2 unschedulable, missing hardware.gpu_memory_gb >= 24.5
  = accepted
> submit j3 for hash needs gpu-model H100
  j3 submitted
  j3 unschedulable, missing hardware.gpu_model: H100
  = accepted
> submit j4 for hash needs tags fast,slow
  j4 submitted
  j4 unschedulable, missing tags: fast, slow
  = accepted
> submit j5 for hash region us
  j5 submitted
  j5 unschedulable, missing region: us
  = accepted
> big asks for work
  = nothing

# Custom capabilities: numbers at least, texts and truths equal or in the list, lists with all.
> submit k1 for hash needs custom net.mbit 999
  k1 submitted
  = accepted
> own asks for work
  k1 assigned to own on m1, attempt 1
  own turns busy with k1, was idle
  = k1, attempt 1, expires at 8s
> submit k2 for hash needs custom net.mbit <=1000&1000
  k2 submitted
  = accepted
> own asks for work
  k2 assigned to own on m1, attempt 1
  = k2, attempt 1, expires at 8s
> submit k3 for hash needs custom net.mbit 1001
  k3 submitted
  k3 unschedulable, missing net.mbit >= 1001
  = accepted
> submit k4 for hash needs custom kind slow needs custom disk.kinds ssd needs custom beta true
  k4 submitted
  = accepted
> own asks for work
  k4 assigned to own on m1, attempt 1
  = k4, attempt 1, expires at 8s
> submit k5 for hash needs custom disk.kinds all:ssd|nvme needs custom kind one:slow|fast needs custom disk.kinds one:tape|ssd
  k5 submitted
  = accepted
> own asks for work
  k5 assigned to own on m1, attempt 1
  = k5, attempt 1, expires at 8s
> submit k6 for hash needs custom disk.kinds =ssd
  k6 submitted
  k6 unschedulable, missing disk.kinds = ssd
  = accepted
> submit k7 for hash needs custom disk.kinds all:ssd|tape
  k7 submitted
  k7 unschedulable, missing disk.kinds contains ssd, tape
  = accepted
> submit k8 for hash needs custom kind 1
  k8 submitted
  k8 unschedulable, missing kind >= 1
  = accepted
> submit k9 for hash needs custom nothing 0
  k9 submitted
  k9 unschedulable, missing nothing >= 0
  = accepted
> submit l1 for hash needs custom tape one:a|b
  l1 submitted
  l1 unschedulable, missing tape in a, b
  = accepted
> own asks for work
  = nothing

# Excluded, without a positive part and with one.
> submit n1 for hash not tag spot not custom kind slow
  n1 submitted
  = accepted
> big asks for work
  = nothing
> own asks for work
  = nothing
> bare asks for work
  n1 assigned to bare on m1, attempt 1
  bare turns busy with n1, was idle
  = n1, attempt 1, expires at 8s
> submit n2 for hash needs gpu 8 not tag spot
  n2 submitted
  n2 unschedulable, missing hardware.gpu_memory_gb >= 8
  = accepted
> big asks for work
  = nothing
> submit n3 for hash needs custom net.mbit 10 not gpu 8 not region eu
  n3 submitted
  = accepted
> own asks for work
  n3 assigned to own on m1, attempt 1
  = n3, attempt 1, expires at 8s

# Any one that it satisfies excludes it; of several in one, all.
> submit n4 for hash not tags fast,slow not custom kind slow not custom nothing 1
  n4 submitted
  = accepted
> own asks for work
  = nothing
> big asks for work
  n4 assigned to big on m1, attempt 1
  = n4, attempt 1, expires at 8s
> submit n5 for hash needs tag fast not gpu 24
  n5 submitted
  n5 unschedulable, missing tags: fast
  = accepted
> big asks for work
  = nothing
