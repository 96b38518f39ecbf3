# Something to apply without any provider.
terraform {
  required_version = ">= 1.4"
}

variable "version_deployed" {
  type = string
}

resource "terraform_data" "release" {
  input = var.version_deployed
}

output "version" {
  value = terraform_data.release.output
}
