"""`headway bench reasons`; arguments are handed on."""

from benchmarks.command import bench

if __name__ == "__main__":
    bench("reasons")
