module bench

go 1.19

require certstore v0.0.0

replace certstore => ../../bindings/go
