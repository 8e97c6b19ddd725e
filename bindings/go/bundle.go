// SPDX-License-Identifier: Apache-2.0

package certstore

import (
	"io/fs"
	"sync"
	"time"

	"certstore/internal/raw"
)

type rawBundle = raw.Struct_SS_certstore_bundle

// Integrity says how far a bundle's integrity check went.
type Integrity int

// The values of Integrity.
const (
	IntegrityVerified  Integrity = 0 // checked with the passphrase
	IntegrityAbsent    Integrity = 1 // the store carries no check
	IntegrityUnchecked Integrity = 2 // it carries one, and no passphrase was given
)

// Bundle is the value of a store: entries in order, each under an alias. It may be shared by goroutines. An entry stays what it was when the bundle
// is edited: entries borrow from a version of the bundle, and the first edit after one was handed out goes to a copy (whose entries are shared,
// so that it costs one pointer an entry).
type Bundle struct {
	mu   sync.Mutex
	now  *handle[rawBundle]
	lent bool
}

func newBundle(ptr rawBundle) *Bundle { return &Bundle{now: own(ptr, raw.Certstore_bundle_free)} }

// NewBundle makes an empty bundle in the terms of a format (its alias rules).
func NewBundle(format string) (*Bundle, error) {
	if err := text("bundle", format); err != nil {
		return nil, err
	}
	return bundleOf("bundle", func(err raw.Struct_SS_certstore_error) rawBundle { return raw.Certstore_bundle_new(format, err) })
}

// Parse reads a store that is in memory. format may be "": recognised by content.
func Parse(data []byte, format string, opts ...Option) (bundle *Bundle, err error) {
	if err := text("parse", format); err != nil {
		return nil, err
	}
	err = withOptions(opts, func(s *settings) (err error) {
		bundle, err = bundleOf("parse", func(err raw.Struct_SS_certstore_error) rawBundle {
			return raw.Certstore_bundle_parse(data, format, s.opts, err)
		})
		return err
	})
	return bundle, err
}

// ParseFS reads a store from a file system of Go, such as an embedded one. format may be "".
func ParseFS(fsys fs.FS, name, format string, opts ...Option) (*Bundle, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return Parse(data, format, opts...)
}

func bundleOf(op string, f func(raw.Struct_SS_certstore_error) rawBundle) (*Bundle, error) {
	var ptr rawBundle
	if err := call(op, func(err raw.Struct_SS_certstore_error) { ptr = f(err) }); err != nil {
		return nil, err
	}
	return newBundle(ptr), nil
}

// version is the bundle as it is now. A lender keeps entries of it.
func (b *Bundle) version(lend bool) *handle[rawBundle] {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lent = b.lent || lend
	return b.now
}

func (b *Bundle) read(f func(rawBundle) error) error { return b.version(false).read(f) }

// edit changes the bundle, or a copy that takes its place where entries were handed out. The old version lives as long as they do.
func (b *Bundle) edit(op string, f func(rawBundle, raw.Struct_SS_certstore_error)) error {
	if b == nil {
		return ErrClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.lent {
		return b.now.change(func(p rawBundle) error { return call(op, func(err raw.Struct_SS_certstore_error) { f(p, err) }) })
	}
	var copied rawBundle
	err := b.now.read(func(p rawBundle) error {
		return call(op, func(err raw.Struct_SS_certstore_error) {
			copied = raw.Certstore_bundle_copy(p, err)
			f(copied, err)
		})
	})
	if err != nil {
		if !null(copied) {
			raw.Certstore_bundle_free(copied)
		}
		return err
	}
	b.now, b.lent = own(copied, raw.Certstore_bundle_free), false
	return nil
}

// Close frees the bundle and wipes its keys now rather than when the collector comes by; its entries are closed with it. Entries that were handed out
// before an edit, and the version they belong to, stay until the collector comes by.
func (b *Bundle) Close() error {
	if h := b.version(false); h != nil {
		h.close()
	}
	return nil
}

// Copy makes a bundle of its own with the same entries.
func (b *Bundle) Copy() (copied *Bundle, err error) {
	err = b.read(func(p rawBundle) (err error) {
		copied, err = bundleOf("copy", func(err raw.Struct_SS_certstore_error) rawBundle { return raw.Certstore_bundle_copy(p, err) })
		return err
	})
	return copied, err
}

// Format is the format it was read from or made for; "" when it is closed.
func (b *Bundle) Format() (format string) {
	_ = b.read(func(p rawBundle) error { format = raw.Certstore_bundle_format(p); return nil })
	return format
}

// Integrity says how far the integrity check went; IntegrityUnchecked when it is closed.
func (b *Bundle) Integrity() Integrity {
	integrity := IntegrityUnchecked
	_ = b.read(func(p rawBundle) error { integrity = Integrity(raw.Certstore_bundle_integrity(p)); return nil })
	return integrity
}

// Len is the number of entries; 0 when it is closed.
func (b *Bundle) Len() (count int) {
	_ = b.read(func(p rawBundle) error { count = raw.Certstore_bundle_count(p); return nil })
	return count
}

// Entries are the entries in the store's order.
func (b *Bundle) Entries() []*Entry {
	version := b.version(true)
	var entries []*Entry
	_ = version.read(func(p rawBundle) error {
		entries = make([]*Entry, raw.Certstore_bundle_count(p))
		for i := range entries {
			entries[i] = &Entry{bundle: version, borrowed: raw.Certstore_bundle_at(p, i)}
		}
		return nil
	})
	return entries
}

// Find is the entry of an alias, under the format's rule (Java's formats do not tell upper from lower case). ErrNotFound if there is none.
func (b *Bundle) Find(alias string) (entry *Entry, err error) {
	if err := text("find", alias); err != nil {
		return nil, err
	}
	version := b.version(true)
	err = version.read(func(p rawBundle) error {
		found := raw.Certstore_bundle_find(p, alias)
		if null(found) {
			return &Error{Op: "find", Status: ErrNotFound, Message: alias + ": there is no such alias", Subject: alias}
		}
		entry = &Entry{bundle: version, borrowed: found}
		return nil
	})
	return entry, err
}

// Put adds an entry (copied), or puts it in the place of the one that has its alias.
func (b *Bundle) Put(e *Entry) error {
	copied, err := e.Copy() // an entry of this very bundle would hold the version that is to change
	if err != nil {
		return err
	}
	defer copied.Close()
	return copied.read(func(q rawEntry) error {
		return b.edit("put", func(p rawBundle, err raw.Struct_SS_certstore_error) { raw.Certstore_bundle_put(p, q, err) })
	})
}

// Remove takes an entry out.
func (b *Bundle) Remove(alias string) error {
	if err := text("remove", alias); err != nil {
		return err
	}
	return b.edit("remove", func(p rawBundle, err raw.Struct_SS_certstore_error) { raw.Certstore_bundle_remove(p, alias, err) })
}

// Rename gives an entry another alias; ErrExists if another entry has it.
func (b *Bundle) Rename(alias, to string) error {
	if err := text("rename", alias, to); err != nil {
		return err
	}
	return b.edit("rename", func(p rawBundle, err raw.Struct_SS_certstore_error) { raw.Certstore_bundle_rename(p, alias, to, err) })
}

// Export is the bundle as bytes of a format; "" is its own. ErrLossy where the format cannot hold an entry; see WithAllowLoss.
func (b *Bundle) Export(format string, opts ...Option) (data []byte, err error) {
	if err := text("export", format); err != nil {
		return nil, err
	}
	err = withOptions(opts, func(s *settings) error {
		return b.read(func(p rawBundle) error {
			return call("export", func(err raw.Struct_SS_certstore_error) {
				data = raw.Take(raw.Certstore_bundle_export(p, format, s.opts, err))
			})
		})
	})
	return data, err
}

// Notes are what reading had to say.
func (b *Bundle) Notes() (rows []Finding) {
	_ = b.read(func(p rawBundle) error { rows = findings(raw.Certstore_bundle_notes(p)); return nil })
	return rows
}

// Losses are what would be lost if the bundle were written in that format. What is a fault is refused then, without WithAllowLoss.
func (b *Bundle) Losses(format string) ([]Finding, error) {
	if err := text("losses", format); err != nil {
		return nil, err
	}
	return b.report("losses", func(p rawBundle, err raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_report {
		return raw.Certstore_bundle_losses(p, format, err)
	})
}

// Verify judges what the bundle holds: expired, weak, incomplete, what Java would not see. An entry that ends within so many days of now is
// reported as expiring.
func (b *Bundle) Verify(now time.Time, days int) ([]Finding, error) {
	return b.report("verify", func(p rawBundle, err raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_report {
		return raw.Certstore_bundle_verify(p, now.Unix(), days, err)
	})
}

// Diff is what differs from this bundle to the other, by alias and then by meaning, whatever their formats.
func (b *Bundle) Diff(other *Bundle) ([]Finding, error) {
	second, err := other.Copy() // so that no two bundles are ever held at once, in whichever order
	if err != nil {
		return nil, err
	}
	defer second.Close()
	return b.report("diff", func(p rawBundle, err raw.Struct_SS_certstore_error) (rows raw.Struct_SS_certstore_report) {
		_ = second.read(func(q rawBundle) error { rows = raw.Certstore_bundle_diff(p, q, err); return nil })
		return rows
	})
}

func (b *Bundle) report(op string, f func(rawBundle, raw.Struct_SS_certstore_error) raw.Struct_SS_certstore_report) (rows []Finding, err error) {
	err = b.read(func(p rawBundle) error {
		return call(op, func(err raw.Struct_SS_certstore_error) { rows = ownFindings(f(p, err)) })
	})
	return rows, err
}
