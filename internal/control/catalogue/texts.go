package catalogue

// maxRequirements bounds the requirements of one framework.
const maxRequirements = 5000
