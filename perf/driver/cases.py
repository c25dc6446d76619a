"""What is measured and what it must show: one Row for every line of the table."""
import dataclasses

K = 1024
M = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Row:
    """One operation at one size; Tutti must be `target` times faster than the best peer."""

    name: str
    op: str
    arguments: tuple = ()          # for tutti-perf and the peers alike
    ranks: int = 2
    samples: int = 500
    target: float | None = None
    phase: str | None = None       # of a MoE step
    buffers: str = "symmetric"     # Tutti's; peers have no such difference
    peer_rows_per: str = ""        # MoE: "lane" or "rank", in the peer's hand-written step
    raw: tuple = ()                # (operation, bytes) of tutti-raw; the fastest variant counts
    raw_limit: float | None = None  # at most this many times the raw loop
    peers: tuple = ()              # names; empty: all

    def chosen(self, words):
        return not words or any(word in self.name or word == self.op for word in words)

    def run_key(self):
        """Rows with the same key come from one run: the two phases of a MoE step."""
        return (self.op, self.arguments, self.ranks, self.buffers, self.peer_rows_per)


def size_name(size):
    if size >= M:
        return f"{size // M} MB"
    return f"{size // K} KB" if size >= K else f"{size} B"


def samples_for(size):
    return 2000 if size <= 32 * K else 800 if size <= 256 * K else 200


def all_reduce(size, target, buffers="symmetric", raw_limit=None):
    plain = "" if buffers == "symmetric" else ", plain buffers"
    loop = "all_reduce_plain" if plain else "all_reduce"
    raw = ("flag_exchange", 0) if raw_limit else (loop, size)
    return Row(f"all_reduce {size_name(size)}{plain}", "all_reduce", ("-b", str(size)),
               samples=samples_for(size), target=target, buffers=buffers, raw=raw,
               raw_limit=raw_limit)


def all_to_all(per_pair, target, buffers="symmetric"):
    plain = "" if buffers == "symmetric" else ", plain buffers"
    name = f"all_to_all {size_name(per_pair)} per pair{plain}"
    loop = "all_to_all_plain" if plain else "all_to_all"
    return Row(name, "all_to_all", ("-b", str(2 * per_pair)), samples=samples_for(per_pair),
               target=target, buffers=buffers, raw=(loop, per_pair))


MOE_SHAPE = ("--tokens", "128", "--hidden", "7168", "--topk", "8", "--experts", "64")


def moe(layout, phase, target, rows_per="lane", buffers="symmetric"):
    """The yardstick sends a row per (token, lane), as published operators do; `rows_per="rank"`
    compares with an author who deduplicates by hand, as Tutti does by itself."""
    plain = "" if buffers == "symmetric" else ", plain rows"
    by_hand = ", peer deduplicates" if rows_per == "rank" else ""
    raw = f"moe_{layout}_{phase}" + ("_plain" if buffers == "plain" else "")
    name = f"moe {layout.upper()} {phase}{plain}{by_hand}"
    return Row(name, "moe", MOE_SHAPE + ("--layout", layout), samples=60, target=target,
               phase=phase, buffers=buffers, peer_rows_per=rows_per, raw=(raw, 14336))


def crowded(ranks, target, samples):
    return Row(f"all_reduce 64 B, {ranks} ranks", "all_reduce", ("-b", "64"), ranks=ranks,
               samples=samples, target=target, peers=("openmpi",),
               raw=(f"all_reduce_{ranks}_ranks", 64))


def over_tcp(op, size, ranks):
    """At least as fast as the best peer; from 64 KB on half as fast again. MPICH over TCP with more
    ranks than cores takes 8 ms for 64 B, or hangs."""
    per_pair = " per pair" if op == "all_to_all" else ""
    bytes_of_rank = size * ranks if op == "all_to_all" else size
    crowd = f", {ranks} ranks" if ranks != 2 else ""
    return Row(f"{op} {size_name(size)}{per_pair}{crowd}", op, ("-b", str(bytes_of_rank)),
               ranks=ranks, samples=samples_for(size) // 2, target=1.5 if size >= 64 * K else 1.0,
               buffers="plain", raw=("tcp_exchange", size) if ranks == 2 else (),
               peers=() if ranks == 2 else ("openmpi", "gloo"))


def moe_over_tcp(phase):
    return Row(f"moe TOKEN {phase}", "moe", MOE_SHAPE + ("--layout", "token"), samples=40,
               target=2.0, phase=phase, buffers="plain", peer_rows_per="lane")


TCP_SIZES = (64, 256, K, 4 * K, 16 * K, 64 * K, 256 * K, M, 4 * M)
TCP_ROWS = tuple(over_tcp(op, size, ranks) for ranks in (2, 4)
                 for op in ("all_reduce", "all_to_all") for size in TCP_SIZES) + (
    moe_over_tcp("dispatch"), moe_over_tcp("combine"))

ROWS = (
    all_reduce(8, 1.4, raw_limit=2.0),
    all_reduce(4 * K, 2.2),
    all_reduce(32 * K, 5.0),
    all_reduce(256 * K, 4.0),
    all_reduce(2 * M, 2.2),
    all_to_all(8, 1.2),
    all_to_all(32 * K, 2.5),
    all_to_all(256 * K, 1.6),
    all_to_all(2 * M, 1.2),
    all_to_all(4 * M, 1.0),
    all_reduce(32 * K, 1.5, "plain"),
    all_reduce(256 * K, 1.5, "plain"),
    all_reduce(2 * M, 1.5, "plain"),
    all_to_all(32 * K, 1.0, "plain"),
    all_to_all(256 * K, 1.0, "plain"),
    all_to_all(2 * M, 1.0, "plain"),
    all_to_all(4 * M, 1.0, "plain"),
    moe("token", "dispatch", 18.0),
    moe("token", "combine", 25.0),
    moe("expert", "dispatch", 3.2),
    moe("expert", "combine", 5.0),
    moe("token", "dispatch", 10.0, buffers="plain"),
    moe("expert", "dispatch", 2.5, buffers="plain"),
    moe("token", "dispatch", None, rows_per="rank"),
    moe("token", "combine", None, rows_per="rank"),
    moe("expert", "dispatch", None, rows_per="rank"),
    moe("expert", "combine", None, rows_per="rank"),
    crowded(8, 2.0, 500),
    crowded(64, 4.0, 100),
)


def rows_for(transport):
    return TCP_ROWS if transport == "tcp" else ROWS
