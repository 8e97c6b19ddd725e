// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"runtime"
	"sync"

	"certstore/internal/raw"
)

// pointer is what every handle of the raw layer is. One that is NULL in C is not nil in Go: null looks at the address.
type pointer interface{ Swigcptr() uintptr }

func null(p pointer) bool { return p == nil || p.Swigcptr() == 0 }

// handle owns one object of the library: many may read it at once, one may change it alone, and nobody uses it after it was freed. What nobody
// closes, the collector frees.
type handle[T pointer] struct {
	mu   sync.RWMutex
	ptr  T
	open bool
	pins int // users who hold the address itself; freeing waits for the last
	free func(T)
}

func own[T pointer](ptr T, free func(T)) *handle[T] {
	h := &handle[T]{ptr: ptr, open: true, free: free}
	runtime.SetFinalizer(h, (*handle[T]).close)
	return h
}

func (h *handle[T]) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.open {
		return
	}
	h.open = false
	runtime.SetFinalizer(h, nil)
	if h.pins == 0 {
		h.free(h.ptr)
	}
}

func (h *handle[T]) pin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pins++
}

func (h *handle[T]) unpin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pins--
	if h.pins == 0 && !h.open {
		h.free(h.ptr)
	}
}

// read runs f while nobody changes the object; the deferred unlock also keeps it from the collector until f is done.
func (h *handle[T]) read(f func(T) error) error {
	if h == nil {
		return ErrClosed
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !h.open {
		return ErrClosed
	}
	return f(h.ptr)
}

// change runs f while nobody else uses the object.
func (h *handle[T]) change(f func(T) error) error {
	if h == nil {
		return ErrClosed
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.open {
		return ErrClosed
	}
	return f(h.ptr)
}

// call gives f a clear error object and makes a Go error of what f left in it.
func call(op string, f func(err raw.Struct_SS_certstore_error)) error {
	err := raw.Certstore_error_new()
	if null(err) {
		return &Error{Op: op, Status: ErrMemory, Message: "there is no memory"}
	}
	defer raw.Certstore_error_free(err)
	f(err)
	status := Status(raw.Certstore_error_status(err))
	if status == 0 {
		return nil
	}
	return &Error{
		Op:      op,
		Status:  status,
		Message: raw.Certstore_error_message(err),
		Cause:   raw.Certstore_error_cause(err),
		Subject: raw.Certstore_error_subject(err),
	}
}

// text refuses what C would cut short.
func text(op string, values ...string) error {
	for _, value := range values {
		for i := 0; i < len(value); i++ {
			if value[i] == 0 {
				return &Error{Op: op, Status: ErrArgument, Message: "text: it holds a NUL; Java's own stands as C0 80 in an alias"}
			}
		}
	}
	return nil
}
