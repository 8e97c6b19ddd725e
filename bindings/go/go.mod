// The module has no address of its own yet: "certstore" is used through a replace directive, as docs/guide/go.md shows.
module certstore

go 1.19
