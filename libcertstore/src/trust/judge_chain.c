/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_chain.c: whether a key's certificates lead from the leaf to an issuer that is there, each certified by the next (RFC 8446 section 4.4.2). By
 * names alone: what a peer would reject for a missing or misplaced certificate shows in them, and no signature is checked on a listing.
 */
#include "model/certinfo.h"
#include "trust/judge.h"

/* The chain as names; false when one of its certificates cannot be read, which is a finding of its own. */
static bool skim_all(const certstore_entry *entry, struct csi_cert_view *views)
{
    for (size_t i = 0; i < entry->cert_count; i++)
        if (!csi_cert_skim(csi_span(entry->certs[i].data, entry->certs[i].size), &views[i]))
            return false;
    return true;
}

static bool is_self_issued(const struct csi_cert_view *view)
{
    return csi_span_equal(view->issuer, view->subject);
}

/* How many certificates from the first on are each followed by their issuer; 1 where already the first is not. */
static size_t ordered_length(const struct csi_cert_view *views, size_t count)
{
    size_t length = 1;
    while (length < count && csi_span_equal(views[length - 1].issuer, views[length].subject) && !is_self_issued(&views[length - 1]))
        length++;
    return length;
}

/* The end of the path that the certificates allow in any order; *steps: how many it has. A chain is as long as its limit lets it be: short. */
static size_t follow(const struct csi_cert_view *views, size_t count, size_t *steps)
{
    size_t at = 0;
    *steps = 1;
    while (!is_self_issued(&views[at]) && *steps < count) {
        size_t next = 0;
        for (size_t i = 1; i < count && next == 0; i++)
            if (i != at && csi_span_equal(views[i].subject, views[at].issuer))
                next = i;
        if (next == 0)
            break;
        at = next;
        ++*steps;
    }
    return at;
}

static certstore_status add_incomplete(const struct csi_judge *judge, const certstore_entry *entry, const struct csi_cert_view *end)
{
    CSI_AUTO_BUF text = { 0 };
    csi_buf_put_text(&text, "the issuer ");
    if (!csi_name_text(end->issuer, &text))
        csi_buf_put_text(&text, "(unreadable)");
    csi_buf_put_text(&text, " is neither in the chain nor in the store; add its certificate to the chain");
    csi_buf_put_u8(&text, 0);
    CSI_TRY(csi_buf_check(&text, judge->err));
    return csi_judge_add(judge, "chain-incomplete", CERTSTORE_WARNING, entry->alias, (const char *)text.data);
}

static bool is_in_store(const struct csi_judge *judge, struct csi_span name)
{
    size_t cursor = 0;
    return csi_table_next(&judge->subjects, csi_judge_hash(name), &cursor) != SIZE_MAX;
}

certstore_status csi_judge_chain(const struct csi_judge *judge, const certstore_entry *entry)
{
    size_t count = entry->cert_count;
    CSI_AUTO(csi_octets) *memory = csi_new(count, sizeof(struct csi_cert_view), judge->err);
    struct csi_cert_view *views = (struct csi_cert_view *)(void *)memory;
    if (memory == NULL)
        return judge->err->status;
    if (!skim_all(entry, views))
        return CERTSTORE_OK;
    if (csi_cert_is_ca(&views[0]) &&
        !is_self_issued(&views[0])) /* a self-signed identity commonly says it is one; an authority's own key store too */
        CSI_TRY(csi_judge_add(judge, "ca-as-leaf", CERTSTORE_WARNING, entry->alias,
                              "the key's own certificate is a certification authority's; a server or client wants one that is not"));
    size_t steps;
    size_t end = follow(views, count, &steps);
    if (ordered_length(views, count) < count)
        CSI_TRY(csi_judge_add(judge, "chain-disordered", CERTSTORE_WARNING, entry->alias,
                              steps == count ? "the chain's certificates are in the wrong order; put each one's issuer after it"
                                             : "the chain holds certificates that do not certify one another; take out what is not part of it"));
    /* A root is commonly left out. One certificate alone, or one that is followed by somebody else's, lacks its issuer. */
    bool ends_well = is_self_issued(&views[end]) || (steps > 1 && steps == count);
    return ends_well || is_in_store(judge, views[end].issuer) ? CERTSTORE_OK : add_incomplete(judge, entry, &views[end]);
}
