"""An LLM platform on AWS EKS or Alibaba ACK, as typed and composable Pulumi components."""
