# SPDX-License-Identifier: Apache-2.0
# One line a row: what ours cost, and each other program as a ratio of CPU time measured in the same round, the median over the rounds.
# Reads goals.tsv (row, metric, op, value), the works (program, lines, checksum) and stopwatch's samples. Exits 1 when a goal is missed.
BEGIN { FS = OFS = "\t" }
FILENAME ~ /goals\.tsv$/ { if ($1 == row) { goal[$2] = $4; op[$2] = $3 } next }
FILENAME ~ /works$/ { order[++programs] = $1; known[$1] = 1; lines[$1] = $2; sum[$1] = $3; next }
$1 == "control" { drift = $3 > $4 ? $3 / $4 : $4 / $3; if (drift > 1.1) noisy[$2] = 1; next }
{
    if ($6 != 0) { failed[$1] = $6; last[$1] = $3; last_wall[$1] = $4; next }
    if ($2 == 0) { warm[$1] = $3; warm_wall[$1] = $4 } else { cpu[$1, $2] = $3; wall[$1, $2] = $4; if ($2 > rounds) rounds = $2 }
    if ($5 > rss[$1]) rss[$1] = $5
}
function median(values, count,    i, j, t) {
    for (i = 2; i <= count; i++) for (j = i; j > 1 && values[j - 1] > values[j]; j--) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
    return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}
# The cost of a program, over quiet rounds where there are enough of them.
function cost(name, table, first,    r, n, v) {
    for (r = 1; r <= rounds; r++) if ((name, r) in table && (all || !noisy[r])) v[++n] = table[name, r]
    return n > 0 ? median(v, n) : first[name]
}
function ratio(above, below,    r, n, v) {
    for (r = 1; r <= rounds; r++) if ((above, r) in cpu && (below, r) in cpu && cpu[below, r] > 0 && (all || !noisy[r])) v[++n] = cpu[above, r] / cpu[below, r]
    if (n > 0) return median(v, n)
    return cost(below, cpu, warm) > 0 ? (above in failed ? last[above] : cost(above, cpu, warm)) / cost(below, cpu, warm) : 0
}
function time(value) {
    if (row ~ /^threads/) return sprintf("%.2f-fold", value)
    if (value >= 1e6) return sprintf("%.2f s", value / 1e6)
    if (value >= 1e3) return sprintf("%.2f ms", value / 1e3)
    return value >= 1 ? sprintf("%.2f us", value) : sprintf("%.0f ns", value * 1e3)
}
function number(value) { return value >= 100 ? sprintf("%.0f", value) : value >= 10 ? sprintf("%.1f", value) : sprintf("%.2f", value) }
# bound: the value is the least that it can be, since the program was stopped. limit: what the yardstick reaches; a goal beyond it is told and not missed.
function judge(metric, value, bound, limit,    ok) {
    if (!(metric in goal)) return ""
    ok = op[metric] == "<=" ? value <= goal[metric] + 0 : value >= goal[metric] + 0
    if (!ok && !bound && limit > 0 && limit < goal[metric] + 0) return sprintf(" [%s%s BEYOND, floor %sx]", op[metric], goal[metric], number(limit))
    if (!ok && !bound) bad = 1
    return sprintf(" [%s%s %s]", op[metric], goal[metric], ok ? "ok" : bound ? "open" : "MISS")
}
function record(program, value) {
    print row, program, value, cost(program, cpu, warm), cost(program, wall, warm_wall), rss[program], lines[program], judge_text >> tsv
}
END {
    for (r = 1; r <= rounds; r++) if (!noisy[r]) quiet++
    if (quiet < 3) all = 1
    if ("ours" in failed) { printf "%-18s ours: FAILED with status %s\n", row, failed["ours"]; exit 1 }
    line = sprintf("%-18s ours %s%s", row, time(cost("ours", cpu, warm)), judge_text = judge("us", cost("ours", cpu, warm)))
    record("ours", 1)
    for (i = 1; i <= programs; i++) {
        name = order[i]
        if (name == "ours") continue
        if (name in failed && failed[name] != -1) { line = line "   " name " failed"; continue }
        if (name in failed && last[name] < last_wall[name] / 2) { line = line "   " name " stopped"; continue } # its children are not counted
        if (name == "floor" || name == "sha1" || name == "kdf" || name == "sha256" || name == "d2i") {
            value = ratio("ours", name)
            judge_text = judge(name, value)
            line = line sprintf("   %s %s %sx%s", name, time(cost(name, cpu, warm)), number(value), judge_text)
        } else {
            value = ratio(name, "ours")
            judge_text = judge(name, value, name in failed, "floor" in known && !("floor" in failed) ? ratio(name, "floor") : 0)
            line = line sprintf("   %s %s%sx%s", name, name in failed ? ">" : "", number(value), judge_text)
        }
        record(name, value)
        if (lines[name] != "-" && lines["ours"] != "-" && !(name in failed)) {
            if (lines[name] != lines["ours"]) { line = line sprintf(" (%s of %s entries!)", lines[name], lines["ours"]); if (name == "floor") bad = 1 }
            else if (sum[name] != "-" && sum[name] != sum["ours"]) { line = line " (other content!)"; if (name == "floor") bad = 1 }
        }
    }
    if (rss["ours"] > 0) line = line sprintf("   rss %.1f MB%s", rss["ours"] / 1024, judge("rss", rss["ours"] / 1024))
    if (all && rounds >= 3) line = line "   (noisy)"
    print line
    exit bad
}
