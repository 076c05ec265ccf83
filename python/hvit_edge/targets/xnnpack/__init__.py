"""Lower graphs to ExecuTorch's XNNPACK delegate."""
