# What a client follows is kept for a day after it was last seen, and a job it follows for a day after the end.
> submit j1 for hash
  j1 submitted
  j1 unschedulable, missing service: hash
  = accepted
> submit j2 for hash
  j2 submitted
  j2 unschedulable, missing service: hash
  = accepted
> client acme/app follows j1,j2 workflow f
  acme/app follows j1, j2 workflow f
  = done
> +30s seen acme/app:0
  = done
> +30s seen acme/app:0
  seen: acme/app with 0
  = done
> +1s seen acme/app:17,acme/app:5
  seen: acme/app with 17
  = done
> seen acme/app:3
  = done
> what follows acme/app
  jobs j1, j2; workflows f; muted none; seen at 1m1s with 17
> +1h cancel j1
  j1 cancelled; attempt 0, runs failed 0
  = done
> what follows acme/app
  jobs j1 that ended at 1h1m1s, j2; workflows f; muted none; seen at 1m1s with 17
> +23h seen acme/app:17
  seen: acme/app with 17
  = done
> what follows acme/app
  jobs j1 that ended at 1h1m1s, j2; workflows f; muted none; seen at 24h1m1s with 17
> +59m seen acme/app:17
  seen: acme/app with 17
  = done
> what follows acme/app
  jobs j1 that ended at 1h1m1s, j2; workflows f; muted none; seen at 25h1s with 17
> +1m seen acme/app:17
  seen: acme/app with 17
  = done
> what follows acme/app
  jobs j2; workflows f; muted none; seen at 25h1m1s with 17
> restart
> what follows acme/app
  jobs j2; workflows f; muted none; seen at 25h1m1s with 17
> deadline
  at once

# Of what is unknown nothing more will come.
> client acme/app follows j9
  acme/app follows j9
  = done
> what follows acme/app
  jobs j2, j9 that ended at 25h1m1s; workflows f; muted none; seen at 25h1m1s with 17
> +23h59m59s999ms tick
  = done
> +1ms tick
  forgotten: acme/app
  = done
> what follows acme/app
  unknown
> deadline
  none

# While nobody could be seen nobody is forgotten.
> seen acme/app:4
  seen: acme/app with 4
  = done
> +30h restart
> tick
  = done
> what follows acme/app
  jobs none; workflows none; muted none; seen at 49h1m1s with 4
> deadline
  79h1m17s
> +15s seen acme/app:4
  seen: acme/app with 4
  = done
> +30h standstill
> +16s tick
  forgotten: acme/app
  = done
