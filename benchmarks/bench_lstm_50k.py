"""`headway bench lstm-50k`; arguments are handed on."""

from benchmarks.command import bench

if __name__ == "__main__":
    bench("lstm-50k")
