package main

import "context"

func (b *bench) many(context.Context) error { return nil }
