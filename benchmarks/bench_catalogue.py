"""`headway bench catalogue`; arguments are handed on."""

from benchmarks.command import bench

if __name__ == "__main__":
    bench("catalogue")
