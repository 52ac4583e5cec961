"""What a synced write costs on this machine, without any server: the part of a put that no program can save."""

import os
import statistics
import time

WRITE = b"w" * 600  # About what a put of the benchmark adds to a log.
PREPARED_BYTES = 32 * 1024 * 1024


def _median_us(descriptor, count):
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        os.write(descriptor, WRITE)
        os.fdatasync(descriptor)
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1000


def measure(folder, count):
    """{"growing_us", "prepared_us"}: the median of `count` writes with fdatasync, one after the other, to a file that grows by each, so
    that its new size is synced too, and to one that was filled with zeros ahead."""
    if count * len(WRITE) > PREPARED_BYTES:
        raise ValueError(f"{count} writes are more than the prepared file holds")
    result = {}
    for name, ahead in (("growing_us", 0), ("prepared_us", PREPARED_BYTES)):
        path = os.path.join(folder, "synced")
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, bytes(ahead))
            os.fsync(descriptor)
            os.lseek(descriptor, 0, os.SEEK_SET)
            result[name] = _median_us(descriptor, count)
        finally:
            os.close(descriptor)
            os.unlink(path)
    return result
