module dbperf.dev/integrations/go

go 1.18
