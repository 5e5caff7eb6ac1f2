"""What runs within the sandbox beside a submitted file. It knows no world and no truth."""
