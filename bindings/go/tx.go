// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"certstore/internal/raw"
)

type rawTxn = raw.Struct_SS_certstore_txn

// Tx is one transaction over any number of stores: every one takes its new content, or none does. Collect what shall be, then Commit; or let Update do
// both.
//
// A transaction that is confirmed by a probe before a deadline, and goes back by itself without that, will stand beside Update as a function of its
// own that takes both; here it will be a step after Commit.
type Tx struct {
	mu       sync.Mutex
	order    []*Store
	wanted   map[*Store]*wish
	note     string
	prepared *handle[rawTxn]
	over     bool
	id       string
	changed  int
	made     map[*Store]int64
}

// wish is what a store shall be: a bundle, or an earlier generation, or another passphrase, which a bundle may come with.
type wish struct {
	bundle      *Bundle
	restore     int64
	password    []byte
	setPassword bool
}

// Update runs f and commits what it asked of the transaction. An error of f, a panic, and a context that is over by the commit point roll everything
// back, which costs nothing: no store was touched before.
func Update(ctx context.Context, f func(*Tx) error) error {
	tx := Begin()
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// Begin begins a transaction. Rollback, which may follow Commit, frees it.
func Begin() *Tx { return &Tx{wanted: map[*Store]*wish{}} }

// errOver is for a transaction that can no longer be changed.
func errOver(op string) error {
	return &Error{Op: op, Status: ErrArgument, Message: "transaction: it is prepared or over; begin another one"}
}

// wish is the store's wish, made if there is none. The caller holds tx.mu.
func (tx *Tx) wish(op string, s *Store) (*wish, error) {
	if tx.over || tx.prepared != nil {
		return nil, errOver(op)
	}
	if err := s.handle().read(func(raw.Struct_SS_certstore) error { return nil }); err != nil {
		return nil, err
	}
	if tx.wanted[s] == nil {
		tx.wanted[s] = &wish{}
		tx.order = append(tx.order, s)
	}
	return tx.wanted[s], nil
}

// Read is the store's content as the transaction will leave it: what is edited in the bundle is part of the commit. It belongs to the transaction.
func (tx *Tx) Read(s *Store) (*Bundle, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	w, err := tx.wish("read", s)
	if err != nil {
		return nil, err
	}
	if w.restore != 0 {
		return nil, &Error{Op: "read", Status: ErrArgument, Message: "transaction: the store goes back to a generation; change it in another one"}
	}
	if w.bundle == nil {
		if w.bundle, err = s.Read(); err != nil {
			return nil, err
		}
	}
	return w.bundle, nil
}

// Replace makes the store equal the bundle, which must have been read from it (or the store not exist). The transaction takes a copy.
func (tx *Tx) Replace(s *Store, b *Bundle) error {
	copied, err := b.Copy()
	if err != nil {
		return err
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	w, err := tx.wish("replace", s)
	if err != nil {
		_ = copied.Close()
		return err
	}
	if w.bundle != nil {
		_ = w.bundle.Close()
	}
	w.bundle, w.restore = copied, 0
	return nil
}

// each edits what the stores hold.
func (tx *Tx) each(stores []*Store, edit func(*Bundle) error) error {
	for _, s := range stores {
		b, err := tx.Read(s)
		if err != nil {
			return err
		}
		if err := edit(b); err != nil {
			return fmt.Errorf("%s: %w", s.URI(), err)
		}
	}
	return nil
}

// Put adds the entry to every store, or puts it in the place of the one that has its alias.
func (tx *Tx) Put(e *Entry, stores ...*Store) error {
	return tx.each(stores, func(b *Bundle) error { return b.Put(e) })
}

// Remove takes the alias out of every store.
func (tx *Tx) Remove(alias string, stores ...*Store) error {
	return tx.each(stores, func(b *Bundle) error { return b.Remove(alias) })
}

// Rename gives an entry of every store another alias.
func (tx *Tx) Rename(alias, to string, stores ...*Store) error {
	return tx.each(stores, func(b *Bundle) error { return b.Rename(alias, to) })
}

// Restore makes the store equal one of its earlier generations, byte for byte.
func (tx *Tx) Restore(s *Store, generation int64) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	w, err := tx.wish("restore", s)
	if err != nil {
		return err
	}
	if generation < 1 {
		return &Error{Op: "restore", Status: ErrArgument, Message: "generation: they are numbered from 1; see the store's History", Subject: s.URI()}
	}
	if w.bundle != nil {
		_ = w.bundle.Close()
	}
	wipe(w.password)
	*w = wish{restore: generation}
	return nil
}

// SetPassword gives the store another passphrase; its keys are encrypted anew.
func (tx *Tx) SetPassword(s *Store, password []byte) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	w, err := tx.wish("set password", s)
	if err != nil {
		return err
	}
	wipe(w.password)
	w.password, w.setPassword = append([]byte{}, password...), true
	return nil
}

// SetNote gives a line for the history, such as "put web"; at most 255 bytes.
func (tx *Tx) SetNote(note string) error {
	if err := text("note", note); err != nil {
		return err
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.over || tx.prepared != nil {
		return errOver("note")
	}
	tx.note = note
	return nil
}

// Prepare locks, checks, writes and syncs everything beside its target, and changes nothing that anybody can see: what can fail has failed by
// then. The wait for other transactions ends with the context. Commit does it where it has not been done.
func (tx *Tx) Prepare(ctx context.Context) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.prepare(ctx)
}

func (tx *Tx) prepare(ctx context.Context) error {
	if tx.over {
		return errOver("prepare")
	}
	if tx.prepared != nil {
		return nil
	}
	var patience time.Duration
	for _, s := range tx.order {
		if s.lockTimeout > patience {
			patience = s.lockTimeout
		}
	}
	err := waiting(ctx, patience, tx.attempt)
	if err != nil {
		tx.end()
	}
	return err
}

// attempt makes the library's transaction of the wishes and prepares it: one that found a store locked can only be freed, so each attempt has its
// own.
func (tx *Tx) attempt() error {
	txn, err := beginOver(tx.order)
	if err != nil {
		return err
	}
	err = txn.change(func(p rawTxn) error {
		return together(tx.order, func() error {
			return call("prepare", func(err raw.Struct_SS_certstore_error) {
				if tx.note != "" {
					raw.Certstore_txn_set_note(p, tx.note, err)
				}
				for _, s := range tx.order {
					ask(p, s.h.ptr, tx.wanted[s], err)
				}
				raw.Certstore_txn_prepare(p, err) // the first error stays: does nothing after one
			})
		})
	})
	if err != nil {
		txn.close()
		return err
	}
	tx.prepared = txn
	return nil
}

// beginOver begins a transaction of the library that keeps the stores from being freed before it is: it refers to them.
func beginOver(stores []*Store) (*handle[rawTxn], error) {
	var ptr rawTxn
	if err := call("begin", func(err raw.Struct_SS_certstore_error) { ptr = raw.Certstore_txn_begin(err) }); err != nil {
		return nil, err
	}
	pinned := append([]*Store{}, stores...)
	for _, s := range pinned {
		s.h.pin()
	}
	return own(ptr, func(ptr rawTxn) {
		raw.Certstore_txn_free(ptr)
		for _, s := range pinned {
			s.h.unpin()
		}
	}), nil
}

// together runs f while nobody else uses any of the stores. They are taken in the order in which they were opened, so that two transactions over the
// same stores never wait for each other.
func together(stores []*Store, f func() error) error {
	sorted := append([]*Store{}, stores...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].serial < sorted[j].serial })
	var take func(rest []*Store) error
	take = func(rest []*Store) error {
		if len(rest) == 0 {
			return f()
		}
		return rest[0].h.change(func(raw.Struct_SS_certstore) error { return take(rest[1:]) })
	}
	return take(sorted)
}

func ask(p rawTxn, store raw.Struct_SS_certstore, w *wish, err raw.Struct_SS_certstore_error) {
	if w.restore != 0 {
		raw.Certstore_txn_restore(p, store, w.restore, err)
	}
	if w.bundle != nil {
		_ = w.bundle.read(func(b rawBundle) error { raw.Certstore_txn_replace(p, store, b, err); return nil })
	}
	if w.setPassword {
		raw.Certstore_txn_set_password(p, store, w.password, err)
	}
}

// Commit makes every store what it shall be, or none. When the context is over before the commit point, nothing has changed. After ErrInDoubt, and
// only then, something may have: Recover decides.
func (tx *Tx) Commit(ctx context.Context) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.over {
		return errOver("commit")
	}
	defer tx.end()
	if len(tx.order) == 0 {
		return ctx.Err()
	}
	if err := tx.prepare(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("certstore: commit: %w", err)
	}
	return tx.prepared.change(func(p rawTxn) error {
		err := together(tx.order, func() error {
			return call("commit", func(err raw.Struct_SS_certstore_error) { raw.Certstore_txn_commit(p, err) })
		})
		tx.id, tx.changed = raw.Certstore_txn_id(p), raw.Certstore_txn_changed(p)
		tx.noteGenerations(p)
		return err
	})
}

// Rollback ends a transaction that was not committed, and frees one that was. It may be called at any time.
func (tx *Tx) Rollback() {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.end()
}

func (tx *Tx) end() {
	if tx.over {
		return
	}
	tx.over = true
	if tx.prepared != nil {
		tx.prepared.close()
	}
	for _, w := range tx.wanted {
		if w.bundle != nil {
			_ = w.bundle.Close()
		}
		wipe(w.password)
	}
}

// ID is the id of the transaction once it is over: 32 hexadecimal digits.
func (tx *Tx) ID() string {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.id
}

func (tx *Tx) noteGenerations(p rawTxn) {
	tx.made = map[*Store]int64{}
	for _, s := range tx.order {
		_ = s.h.read(func(store raw.Struct_SS_certstore) error { // one that was closed meanwhile is left out
			tx.made[s] = raw.Certstore_txn_generation(p, store)
			return nil
		})
	}
}

// Generation is the number that the commit gave to what it made of the store, whatever others made of it since; 0 if it did not change it.
func (tx *Tx) Generation(store *Store) int64 {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.made[store]
}

// Changed is how many stores the commit changed; one that already was as asked does not count.
func (tx *Tx) Changed() int {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.changed
}
