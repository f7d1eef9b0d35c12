Gem::Specification.new do |spec|
  spec.name = 'dbperf-test'
  spec.version = '0.2.0'
  spec.summary = 'A clean database for every test, and a red test at the line of its N+1'
  spec.authors = ['dbperf']
  spec.license = 'PostgreSQL'
  spec.files = Dir['lib/**/*.rb', 'README.md']
  spec.required_ruby_version = '>= 3.0'
end
