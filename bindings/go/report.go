// SPDX-License-Identifier: Apache-2.0

package certstore

import "certstore/internal/raw"

// Severity says how much a finding matters.
type Severity int

// The severities.
const (
	Info    Severity = 0 // worth knowing
	Warning Severity = 1 // works now, and will bite
	Fault   Severity = 2 // does not work
)

func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Fault:
		return "fault"
	}
	return "unknown"
}

// Finding is one row of what verifying, comparing, converting, recovering or reading had to say.
type Finding struct {
	Code     string // a stable word a program can act on, such as "expired"
	Severity Severity
	Subject  string // the alias, path or transaction it is about; "" where it is about the whole
	Message  string // one line for people
}

func findings(report raw.Struct_SS_certstore_report) []Finding {
	if null(report) {
		return nil
	}
	rows := make([]Finding, raw.Certstore_report_count(report))
	for i := range rows {
		rows[i] = Finding{
			Code:     raw.Certstore_report_code(report, i),
			Severity: Severity(raw.Certstore_report_severity(report, i)),
			Subject:  raw.Certstore_report_subject(report, i),
			Message:  raw.Certstore_report_message(report, i),
		}
	}
	return rows
}

// ownFindings also frees the report.
func ownFindings(report raw.Struct_SS_certstore_report) []Finding {
	defer raw.Certstore_report_free(report)
	return findings(report)
}
