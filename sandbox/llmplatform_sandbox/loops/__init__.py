"""What a cloud, a kubelet and the controllers of a cluster do by themselves, as level-triggered loops."""
